import { strict as assert } from "node:assert";
/// <reference lib="deno.unstable" />
import { SILENT_LOG } from "../../log.ts";
import { listenDatagrams, openDenos, openNodes } from "./gateway_datagrams.ts";
import { answerTo, askUdp, question } from "./dns_testing.ts";

/** A socket at a port that nobody has. */
function udp(hostname: string, reuseAddress: boolean): { readonly socket: Deno.DatagramConn; readonly port: number } {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0, reuseAddress });
  return { socket, port: (socket.addr as Deno.NetAddr).port };
}

for (const [kind, open] of [["Deno's", openDenos], ["Node's", openNodes]] as const) {
  Deno.test(`datagrams by ${kind} sockets: answered at once, later or not at all, beside a socket of all addresses`, async () => {
    const { socket: everywhere, port } = udp("0.0.0.0", true);
    const sources: string[] = [];
    const answer = (message: Uint8Array, source: string) => {
      sources.push(source);
      const said = sources.length === 3 ? undefined : answerTo(message, []);
      return sources.length === 2 ? Promise.resolve(said) : said;
    };
    const place = { hostname: "127.0.0.44", port };
    {
      await using _listening = await listenDatagrams(place, answer, SILENT_LOG, open);
      const ask = (waitMs?: number) =>
        askUdp({ address: "127.0.0.44", port }, question("web"), waitMs === undefined ? {} : { waitMs });
      assert.equal((await ask())?.rcode, "NOERROR");
      assert.equal((await ask())?.questions[0]?.name, "web");
      assert.equal(await ask(50), undefined);
      assert.deepEqual(sources, ["127.0.0.1", "127.0.0.1", "127.0.0.1"]);
    }
    await using _again = await listenDatagrams(place, answer, SILENT_LOG, open);
    everywhere.close();
    const other = udp("127.0.0.44", false);
    const taken = listenDatagrams({ ...place, port: other.port }, answer, SILENT_LOG, open);
    await assert.rejects(taken, /in use|EADDRINUSE/);
    other.socket.close();
  });
}
