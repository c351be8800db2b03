// Resolves *.localhost to loopback, as browsers do and not every resolver does.
const dns = require('node:dns');

const { lookup } = dns;
dns.lookup = (name, options, callback) =>
  lookup(name.endsWith('.localhost') ? 'localhost' : name, options, callback);
