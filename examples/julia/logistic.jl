# The logistic map in Julia. Needs the package JSON: julia -e 'using Pkg; Pkg.add("JSON")'
using JSON

job = JSON.parse(readline(stdin))
p = job["parameters"]
x = haskey(job, "state") ? parse(Float64, job["state"]) : Float64(p["x0"])
for i in job["resume_after"]+1:Int(p["iterations"])
    global x = p["r"] * x * (1 - x)
    println(JSON.json(Dict("iteration" => i, "total" => Int(p["iterations"]), "values" => Dict("x" => x), "state" => string(x))))
    flush(stdout)
end
