import { strict as assert } from "node:assert";
import { isTsdError } from "../errors.ts";
import { etcFiles, type EtcFilesInput } from "./etc_files.ts";

const INPUT: EtcFilesInput = {
  network: "none",
  addresses: [],
  hostGateway: undefined,
  hostname: "box",
  domainname: "",
  extraHosts: [],
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  nameServer: undefined,
  hostHosts: "127.0.0.1 localhost machine\n",
  hostResolvConf: "# made by hand\nnameserver 192.0.2.1\nsearch example.org\noptions ndots:2\n",
};

Deno.test("a container without a network resolves its own name and localhost", () => {
  const { hosts, hostname } = etcFiles(INPUT);
  assert.equal(hostname, "box\n");
  assert.match(hosts, /^127\.0\.0\.1\tlocalhost$/m);
  assert.match(hosts, /^127\.0\.1\.1\tbox$/m);
});

Deno.test("on the host network the host's file is kept and extra hosts are appended", () => {
  const { hosts } = etcFiles({ ...INPUT, network: "host", extraHosts: ["db:192.0.2.7", "six=[2001:db8::1]"] });
  assert.equal(hosts, "127.0.0.1 localhost machine\n192.0.2.7\tdb\n2001:db8::1\tsix\n");
});

Deno.test("name servers are the host's unless given", () => {
  assert.equal(etcFiles(INPUT).resolvConf, "nameserver 192.0.2.1\nsearch example.org\noptions ndots:2\n");
  const given = etcFiles({ ...INPUT, dns: ["192.0.2.9"], dnsSearch: ["."], dnsOptions: ["rotate"] });
  assert.equal(given.resolvConf, "nameserver 192.0.2.9\noptions rotate\n");
});

Deno.test("on a bridge the container's name maps to its address, and host-gateway to the host", () => {
  const bridge = { ...INPUT, network: "bridge", addresses: ["172.17.0.2"], hostGateway: "172.17.0.1" } as const;
  const { hosts } = etcFiles({ ...bridge, domainname: "example.org", extraHosts: ["up:host-gateway"] });
  assert.match(hosts, /^172\.17\.0\.2\tbox\.example\.org box\n172\.17\.0\.1\tup\n$/m);
  assert.throws(() => etcFiles({ ...INPUT, extraHosts: ["up:host-gateway"] }), /host-gateway/);
});

Deno.test("on a bridge the host's loopback name servers are left out", () => {
  const bridge = { ...INPUT, network: "bridge" } as const;
  const from = (hostResolvConf: string) => etcFiles({ ...bridge, hostResolvConf }).resolvConf;
  assert.equal(from("nameserver 127.0.0.53\nnameserver 192.0.2.1\nnameserver ::1\n"), "nameserver 192.0.2.1\n");
  assert.equal(from("nameserver 127.0.0.53\n"), "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
});

Deno.test("a bad extra host is refused with Docker's text", () => {
  assert.throws(
    () => etcFiles({ ...INPUT, extraHosts: ["nothing"] }),
    (thrown) => isTsdError(thrown, "invalid_argument") && thrown.message === 'bad format for add-host: "nothing"',
  );
});
