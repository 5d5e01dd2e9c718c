/** Reads BYTES from a server and prints the duration in ms: `sink.ts ADDRESS PORT BYTES`. Runs in a namespace. */
const [hostname = "", port = "", bytes = ""] = Deno.args;

const buffer = new Uint8Array(1 << 20);
const startedMs = performance.now();
using connection = await Deno.connect({ hostname, port: Number(port) });
let left = Number(bytes);
for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) left -= count;
const elapsedMs = performance.now() - startedMs;
if (left !== 0) throw new Error(`${left} of ${bytes} bytes are missing`);
console.log(elapsedMs);
