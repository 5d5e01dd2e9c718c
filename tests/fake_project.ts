/**
 * A small program with the project's layout, to test how executables are built and start, independently of the real
 * program.
 */
import { join } from "node:path";
import { PROJECT_DIR } from "../scripts/project.ts";
import { WORKER_ENTRIES } from "../src/worker_entry.ts";

/** Each command tests one thing that the executable must pass through or find. */
const MOD = `
import { BUILD_INFO } from "./src/build_info.ts";

const COMMANDS: Record<string, (args: string[]) => unknown> = {
  version: () => console.log(\`stand-in \${BUILD_INFO.version} (\${BUILD_INFO.form})\`),
  show: (args) => console.log(JSON.stringify({ args, executable: Deno.env.get("TSD_EXECUTABLE"), umask: Deno.umask() })),
  cat: () => Deno.stdin.readable.pipeTo(Deno.stdout.writable),
  exit: ([code]) => Deno.exit(Number(code)),
  wait: () => {
    Deno.addSignalListener("SIGTERM", () => Deno.exit(7));
    console.log("ready");
    setTimeout(() => {}, 60_000);
  },
  daemon: async () => (await import("./src/serve.ts")).serve(),
};

if (import.meta.main) await COMMANDS[Deno.args[0]](Deno.args.slice(1));
`;

const SERVE = `
import { createServer } from "node:http";
import { WORKER_ENTRIES, type WorkerName, workerUrl } from "./worker_entry.ts";

export async function serve(): Promise<void> {
  console.log(typeof createServer);
  for (const name of Object.keys(WORKER_ENTRIES) as WorkerName[]) {
    const worker = new Worker(workerUrl(name), { type: "module" });
    console.log(await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data)));
    worker.terminate();
  }
}
`;

const worker = (source: string) => `
import { BUILD_INFO } from "${"../".repeat(source.split("/").length - 2)}build_info.ts";

declare const self: DedicatedWorkerGlobalScope;
self.postMessage(\`${source} \${BUILD_INFO.form}\`);
`;

/** Writes the project into `dir`. */
export async function writeFake(dir: string): Promise<void> {
  const own = (path: string) => Deno.readTextFile(join(PROJECT_DIR, path));
  const files: Record<string, string> = {
    "deno.json": JSON.stringify({ version: "0.1.0", imports: {} }),
    "mod.ts": MOD,
    "src/serve.ts": SERVE,
    "src/build_info.ts": await own("src/build_info.ts"),
    "src/worker_entry.ts": await own("src/worker_entry.ts"),
    ...Object.fromEntries(Object.values(WORKER_ENTRIES).map((source) => [source, worker(source)])),
  };
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(join(dir, path, ".."), { recursive: true });
    await Deno.writeTextFile(join(dir, path), text);
  }
}
