import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { etcFiles, type EtcFilesInput } from "./etc_files.ts";

const INPUT: EtcFilesInput = {
  network: "none",
  hostname: "box",
  domainname: "",
  extraHosts: [],
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  hostHosts: "127.0.0.1 localhost machine\n",
  hostResolvConf: "# made by hand\nnameserver 192.0.2.1\nsearch example.org\noptions ndots:2\n",
};

Deno.test("a container without a network finds itself and localhost", () => {
  const { hosts, hostname } = etcFiles(INPUT);
  assert.equal(hostname, "box\n");
  assert.match(hosts, /^127\.0\.0\.1\tlocalhost$/m);
  assert.match(hosts, /^127\.0\.1\.1\tbox$/m);
});

Deno.test("on the host's network the host's names stay, extra hosts follow", () => {
  const { hosts } = etcFiles({ ...INPUT, network: "host", extraHosts: ["db:192.0.2.7", "six=[2001:db8::1]"] });
  assert.equal(hosts, "127.0.0.1 localhost machine\n192.0.2.7\tdb\n2001:db8::1\tsix\n");
});

Deno.test("resolvers come from the host unless they were given", () => {
  assert.equal(etcFiles(INPUT).resolvConf, "nameserver 192.0.2.1\nsearch example.org\noptions ndots:2\n");
  const given = etcFiles({ ...INPUT, dns: ["192.0.2.9"], dnsSearch: ["."], dnsOptions: ["rotate"] });
  assert.equal(given.resolvConf, "nameserver 192.0.2.9\noptions rotate\n");
});

Deno.test("a bad extra host is refused with Docker's text", () => {
  assert.throws(
    () => etcFiles({ ...INPUT, extraHosts: ["nothing"] }),
    (thrown) => isTsdError(thrown, "invalid_argument") && thrown.message === 'bad format for add-host: "nothing"',
  );
});
