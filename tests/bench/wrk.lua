-- Asks for grants, one cookie after the other, and prints what the bench reads.
local method, path, file = os.getenv("WRK_METHOD"), os.getenv("WRK_PATH"), os.getenv("WRK_COOKIES")
local requests, at = {}, 0

function init(args)
  for line in io.lines(file) do
    local headers = { ["Host"] = wrk.headers["Host"], ["Cookie"] = line,
                      ["Sec-Fetch-Site"] = "same-origin" }
    requests[#requests + 1] = wrk.format(method, path, headers)
  end
end

request = function()
  at = at % #requests + 1
  return requests[at]
end

done = function(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read
  io.write(string.format("\nBENCH %d %f %f %d\n",
    summary.requests, summary.requests / (summary.duration / 1e6), latency:percentile(99) / 1e3, failed))
end
