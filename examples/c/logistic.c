/* The logistic map in C without a JSON library. Compile: cc -O2 -o logistic logistic.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number behind a key of the job line, or a fallback; a text that holds a number will do. */
static double number(const char *job, const char *key, double fallback) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(job, quoted);
    if (!at) return fallback;
    at += strlen(quoted);
    return strtod(*at == '"' ? at + 1 : at, NULL);
}

int main(void) {
    char *job = NULL;
    size_t size = 0;
    if (getline(&job, &size, stdin) < 0) return 1;
    double r = number(job, "r", 3.9);
    double x = number(job, "state", number(job, "x0", 0.4));
    long last = (long)number(job, "iterations", 10);
    for (long i = (long)number(job, "resume_after", 0) + 1; i <= last; i++) {
        x = r * x * (1 - x);
        /* 17 digits are enough for every double to come back exactly. */
        printf("{\"iteration\":%ld,\"total\":%ld,\"values\":{\"x\":%.17g},\"state\":\"%.17g\"}\n", i, last, x, x);
        fflush(stdout);
    }
    free(job);
    return 0;
}
