/**
 * @module
 * `./dev demo`: builds the executable and does the main job with it, in a private folder: pulls an image and runs commands
 * in it. The image comes from Docker Hub where that answers; otherwise from a throw-away registry on loopback, filled with
 * an image made from this machine's own files. Nothing is left behind but dist/.
 */
import { join } from "node:path";
import { removeDir } from "../src/store/directory_driver/clearing.ts";
import { startRealRegistry } from "../tests/registry/real.ts";
import { capture, CommandFailed, EXECUTABLE, exists, PROJECT_DIR } from "./project.ts";

const HUB = "https://registry-1.docker.io/v2/";
const HUB_IMAGE = "docker.io/library/busybox:latest";
const PROBE_TIMEOUT_MS = 2_000;
const ENGINE_TIMEOUT_MS = 15_000;

/** Runs `tsd` with its output on the terminal, after showing the command. */
type Tsd = (...args: string[]) => Promise<boolean>;

async function main(): Promise<void> {
  if (Deno.uid() !== 0) throw new CommandFailed("containers need root here; run `sudo ./dev demo`");
  say("Building the executable");
  await capture(Deno.execPath(), ["run", "--quiet", "-A", join(PROJECT_DIR, "scripts/compile.ts")]);
  await using undo = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "tsd-demo-" });
  undo.defer(() => removeDir(dir));
  const tsd = tsdFor(`unix://${dir}/tsd.sock`);
  say("Starting an engine with a folder of its own, which all commands below talk to");
  await startEngine(dir, undo);
  await must(tsd, "version");
  const image = await pullSomething(tsd, undo);
  await must(tsd, "images");
  say("Running commands in containers");
  await must(tsd, "run", "--rm", "--network", "none", image, "echo", "Hello from a container");
  await must(
    tsd,
    "run",
    "--rm",
    "--network",
    "none",
    image,
    "sh",
    "-c",
    "echo I am process $$, user $(id -u), on $(uname -sm)",
  );
  await must(tsd, "run", "--rm", "--network", "none", image, "ls", "/");
  say("Done; removing the engine and its folder");
}

/** Pulls an image from where it can be had, and returns its name. */
async function pullSomething(tsd: Tsd, undo: AsyncDisposableStack): Promise<string> {
  if (await answers(HUB)) {
    say("Pulling from Docker Hub");
    if (await tsd("pull", HUB_IMAGE)) return HUB_IMAGE;
    say("That did not work; going on with an image of this machine's files");
  } else {
    say(
      "Docker Hub does not answer from here: pulling from a registry on loopback, with an image of this machine's files",
    );
  }
  await capture(join(PROJECT_DIR, "dev"), ["deps", "demo-offline"]);
  const registry = undo.use(await startRealRegistry());
  const main = join(PROJECT_DIR, "tests/images/main.ts");
  await capture(Deno.execPath(), [
    "run",
    "--quiet",
    "-A",
    main,
    "push",
    registry.url,
    "demo/shell:latest",
    "hostshell",
  ]);
  const image = `${registry.host}/demo/shell:latest`;
  await must(tsd, "pull", image);
  return image;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return true; // 401 from a registry is an answer
  } catch (error) {
    if (error instanceof TypeError || error instanceof DOMException) return false; // no such host, refused, too slow
    throw error;
  }
}

/** Starts `tsd daemon` and waits for its socket. */
async function startEngine(dir: string, undo: AsyncDisposableStack): Promise<void> {
  const socket = join(dir, "tsd.sock");
  const log = join(dir, "engine.log");
  const args = ["daemon", "--data-root", join(dir, "data"), "-H", `unix://${socket}`];
  show([...args, "&"]);
  const engine = new Deno.Command(EXECUTABLE, { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  const logged = engine.stderr.pipeTo((await Deno.create(log)).writable);
  const ended = engine.status.then(({ code }) => code);
  undo.defer(async () => {
    if (await Promise.race([ended, undefined]) === undefined) engine.kill("SIGTERM");
    await ended;
    await logged;
  });
  const deadline = AbortSignal.timeout(ENGINE_TIMEOUT_MS);
  while (!await exists(socket)) {
    const code = await Promise.race([ended, new Promise<undefined>((resolve) => setTimeout(resolve, 20))]);
    if (code === undefined && !deadline.aborted) continue;
    const why = code === undefined ? "made no socket in time" : `ended with exit code ${code}`;
    throw new CommandFailed(`the engine ${why}:\n${await Deno.readTextFile(log)}`);
  }
}

function tsdFor(host: string): Tsd {
  return async (...args) => {
    show(args);
    const command = new Deno.Command(EXECUTABLE, { args, env: { TSD_HOST: host }, stdin: "null" }).spawn();
    return (await command.status).success;
  };
}

async function must(tsd: Tsd, ...args: string[]): Promise<void> {
  if (!await tsd(...args)) throw new CommandFailed(`tsd ${args.join(" ")} failed`);
}

const say = (text: string) => console.log(`\n# ${text}`);

/** Shows a command as one would type it. */
function show(args: readonly string[]): void {
  const plain = /^[\w@%+=:,./&-]+$/;
  console.log(`$ tsd ${args.map((arg) => plain.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`).join(" ")}`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.error(`demo: ${error.message}`);
    Deno.exit(1);
  }
}
