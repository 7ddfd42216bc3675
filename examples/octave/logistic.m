% The logistic map in Octave.
job = jsondecode (fgetl (stdin));
p = job.parameters;
x = p.x0;
if (isfield (job, "state"))
  x = str2double (job.state);
end
for i = job.resume_after + 1 : p.iterations
  x = p.r * x * (1 - x);
  printf ("{\"iteration\":%d,\"total\":%d,\"values\":{\"x\":%.17g},\"state\":\"%.17g\"}\n", i, p.iterations, x, x);
  fflush (stdout);
end
