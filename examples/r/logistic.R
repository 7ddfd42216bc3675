# The logistic map in R, without packages.
job <- readLines(file("stdin"), n = 1)
number <- function(key, fallback) {
  found <- regmatches(job, regexec(paste0("\"", key, "\":\"?([-+0-9.eE]+)"), job))[[1]]
  if (length(found) == 2) as.numeric(found[2]) else fallback
}

r <- number("r", 3.9)
x <- number("state", number("x0", 0.4))
last <- number("iterations", 10)
i <- number("resume_after", 0)
while (i < last) {
  i <- i + 1
  x <- r * x * (1 - x)
  cat(sprintf("{\"iteration\":%d,\"total\":%d,\"values\":{\"x\":%.17g},\"state\":\"%.17g\"}\n", i, last, x, x))
  flush(stdout())
}
