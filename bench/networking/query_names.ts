/** Looks up a name in sequence and prints the duration in ms: `query_names.ts SERVER NAME TIMES`. Runs in a namespace. */
import { createSocket } from "node:dgram";

const [server = "", name = "", times = ""] = Deno.args;
const [DNS_PORT, QUERY_TIMEOUT_MS] = [53, 2000];

/** Encodes a query for the name's A record (RFC 1035, section 4.1), with recursion desired. */
function query(id: number): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  return new Uint8Array([id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
}

const socket = createSocket("udp4");
await new Promise<void>((resolve) => socket.connect(DNS_PORT, server, () => resolve()));

function lookUp(id: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${server} does not answer`)), QUERY_TIMEOUT_MS);
    socket.once("message", (answer) => {
      clearTimeout(timer);
      const answers = answer[6]! << 8 | answer[7]!;
      if ((answer[0]! << 8 | answer[1]!) === id && answers > 0) resolve();
      else reject(new Error(`${server} doesn't know ${name}`));
    });
    socket.send(query(id));
  });
}

await lookUp(0);
const startedMs = performance.now();
for (let id = 1; id <= Number(times); id++) await lookUp(id & 0xffff);
console.log(performance.now() - startedMs);
socket.close();
