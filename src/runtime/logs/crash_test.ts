import { strict as assert } from "node:assert";
import "../../sys/preopen_testing.ts";
import { SILENT_LOG } from "../../log.ts";
import { AT, cString, tree } from "../../sys/mod.ts";
import { workerUrl } from "../../worker_entry.ts";
import { StdioRouter } from "./stdio_router.ts";
import type { ChannelSpec } from "./protocol.ts";

const LINES = 400_000;
/** Sizes of the log at which the engine is killed, in bytes. */
const KILLS_AT_BYTES = [5_000_000, 20_000_000, 35_000_000];

function channel(dir: string): Omit<ChannelSpec, "attached"> {
  const limits = { maxSizeBytes: Infinity, maxFiles: 1, compress: false, waitForReaders: true, attrs: {} };
  return { key: "k", sources: [{ stream: "stdout", path: `${dir}/1` }], log: { path: `${dir}/log`, ...limits } };
}

/** Starts an engine that only logs. */
function startEngine(dir: string): Deno.ChildProcess {
  const program = `
    import { StdioRouter } from ${JSON.stringify(import.meta.resolve("./stdio_router.ts"))};
    const log = { scope: () => log, debug() {}, info() {}, warn() {}, error: console.error };
    const router = new StdioRouter(new URL(${JSON.stringify(workerUrl("logs").href)}), log);
    await router.open(${JSON.stringify(channel(dir), (_, value) => value === Infinity ? 1e15 : value)});
    router.begin("k");`;
  return new Deno.Command(Deno.execPath(), { args: ["eval", program], stdout: "null", stderr: "inherit" }).spawn();
}

async function grownTo(path: string, sizeBytes: number): Promise<void> {
  const deadline = performance.now() + 30_000;
  while ((await Deno.stat(path).catch(() => ({ size: 0 }))).size < sizeBytes) {
    assert.ok(performance.now() < deadline, "the log doesn't grow");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test("an engine that is killed during heavy output loses no line", async () => {
  const dir = await Deno.makeTempDir({ prefix: "tsd-crash-" });
  try {
    tree.mkfifoat(AT.FDCWD, cString(`${dir}/1`), 0o600);
    // Like a container, the writer opens the FIFO for reading too, so that it survives without a reader.
    const script = `exec seq -f %040.0f 1 ${LINES} 1<>${dir}/1`;
    const writer = new Deno.Command("sh", { args: ["-c", script], stdout: "null" }).spawn();
    for (const sizeBytes of KILLS_AT_BYTES) {
      const engine = startEngine(dir);
      await grownTo(`${dir}/log`, sizeBytes);
      engine.kill("SIGKILL");
      await engine.status;
    }
    await using router = new StdioRouter(workerUrl("logs"), SILENT_LOG);
    await router.ready;
    await router.open(channel(dir));
    router.begin("k");
    assert.equal((await writer.status).code, 0);
    router.finish("k", 5000);
    await router.ended("k");

    const counts = new Uint8Array(LINES + 1);
    let repeated = 0;
    for (const line of (await Deno.readTextFile(`${dir}/log`)).trimEnd().split("\n")) {
      const number = Number(JSON.parse(line).log);
      repeated += counts[number];
      counts[number] = 1;
    }
    const missing = Array.from(counts.keys()).filter((number) => number > 0 && counts[number] === 0);
    assert.deepEqual(missing.slice(0, 10), []);
    // Lines that were logged but not yet consumed from the FIFO are repeated: at most one read per kill.
    assert.ok(repeated <= KILLS_AT_BYTES.length * (65_536 / 41), `${repeated} repeated lines`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
