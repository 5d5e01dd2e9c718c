import { strict as assert } from "node:assert";
/// <reference lib="deno.unstable" />
import { SILENT_LOG } from "../../log.ts";
import { listenDatagrams, openDenos, openNodes } from "./gateway_datagrams.ts";
import { answerTo, askUdp, question } from "./dns_testing.ts";

/** Opens a socket on a free port. */
function udp(hostname: string, reuseAddress: boolean): { readonly socket: Deno.DatagramConn; readonly port: number } {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0, reuseAddress });
  return { socket, port: (socket.addr as Deno.NetAddr).port };
}

for (const [kind, open] of [["Deno's", openDenos], ["Node's", openNodes]] as const) {
  Deno.test(`${kind} datagram sockets: synchronous, deferred and no answers, next to a wildcard socket on the port`, async () => {
    const { socket: everywhere, port } = udp("0.0.0.0", true);
    const sources: string[] = [];
    const answer = (message: Uint8Array, source: string) => {
      sources.push(source);
      const response = sources.length === 3 ? undefined : answerTo(message, []);
      return sources.length === 2 ? Promise.resolve(response) : response;
    };
    const listenAddress = { hostname: "127.0.0.44", port };
    {
      await using _listening = await listenDatagrams(listenAddress, answer, SILENT_LOG, open);
      const ask = (waitMs?: number) =>
        askUdp({ address: "127.0.0.44", port }, question("web"), waitMs === undefined ? {} : { waitMs });
      assert.equal((await ask())?.rcode, "NOERROR");
      assert.equal((await ask())?.questions[0]?.name, "web");
      assert.equal(await ask(50), undefined);
      assert.deepEqual(sources, ["127.0.0.1", "127.0.0.1", "127.0.0.1"]);
    }
    await using _reopened = await listenDatagrams(listenAddress, answer, SILENT_LOG, open);
    everywhere.close();
    const other = udp("127.0.0.44", false);
    const conflicting = listenDatagrams({ ...listenAddress, port: other.port }, answer, SILENT_LOG, open);
    await assert.rejects(conflicting, /in use|EADDRINUSE/);
    other.socket.close();
  });
}
