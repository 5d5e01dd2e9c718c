/** Reads all that a server sends, and prints how many ms that took: `sink.ts ADDRESS PORT BYTES`. Runs in a namespace. */
const [hostname = "", port = "", bytes = ""] = Deno.args;

const buffer = new Uint8Array(1 << 20);
const beganMs = performance.now();
using connection = await Deno.connect({ hostname, port: Number(port) });
let left = Number(bytes);
for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) left -= count;
const elapsedMs = performance.now() - beganMs;
if (left !== 0) throw new Error(`${left} of ${bytes} bytes did not come`);
console.log(elapsedMs);
