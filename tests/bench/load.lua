-- Sends requests, one after the other, and prints what the bench reads. A line of the file has the
-- method, the path, the name and the value of a header, and perhaps a body.
local requests, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local method, path, name, value, body = line:match("^(%S+) (%S+) (%S+) (%S+) ?(.*)$")
    local headers = { ["Host"] = wrk.headers["Host"], ["Sec-Fetch-Site"] = "same-origin",
                      ["Content-Type"] = body ~= "" and "application/json" or nil, [name] = value }
    requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
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
