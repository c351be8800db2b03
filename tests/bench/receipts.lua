-- Reports uploads, each once, and prints what the bench reads. A line has a user and a report.
local file = os.getenv("WRK_REPORTS")
local requests, at = {}, 0

function init(args)
  for line in io.lines(file) do
    local user, report = line:match("^(%S+) (.*)$")
    local headers = { ["Host"] = wrk.headers["Host"], ["X-User"] = user,
                      ["Content-Type"] = "application/json" }
    requests[#requests + 1] = wrk.format("POST", "/api/receipts", headers, report)
  end
end

request = function()
  at = at + 1
  return requests[at]
end

done = function(summary, latency)
  io.write(string.format("\nBENCH %d %f %f %d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(99) / 1e3, summary.errors.status))
end
