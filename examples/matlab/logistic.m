% The logistic map in MATLAB, started as: matlab -batch logistic
in = fopen('/dev/stdin');   % input() does not work with -batch
job = jsondecode(fgetl(in));
p = job.parameters;
x = p.x0;
if isfield(job, 'state')
    x = str2double(job.state);
end
for i = job.resume_after + 1 : p.iterations
    x = p.r * x * (1 - x);
    fprintf('{"iteration":%d,"total":%d,"values":{"x":%.17g},"state":"%.17g"}\n', i, p.iterations, x, x);
end
