/** What may exist where the launcher looks for an engine, without being one. */
import { strict as assert } from "node:assert";
import { executable, runCommand } from "../harness/mod.ts";
import { requires } from "../requires.ts";
import { SHELLS } from "./setup.ts";

const FIFOS = 'mkdir "$1"; mkfifo "$1/call"; for n in $(seq 0 15); do mkfifo "$1/answer.$n"; done';

/** Scripts that create it; the argument is the directory's path. */
const NO_ENGINE: Readonly<Record<string, string>> = {
  "nothing": "",
  "a file": ': >"$1"',
  "a regular file as call": 'mkdir "$1"; : >"$1/call"',
  "a symbolic link": `${FIFOS}; mv "$1" "$1.real"; ln -s "$1.real" "$1"`,
  "somebody else's folder": `${FIFOS}; chown 65534 "$1"`,
  "somebody else's answers": `${FIFOS}; chown 65534 "$1"/answer.*`,
  "no answers": 'mkdir "$1"; mkfifo "$1/call"',
  "answers that are files":
    'mkdir "$1"; mkfifo "$1/call"; for n in $(seq 0 15); do echo "exit 0" >"$1/answer.$n"; done',
  "no seat": `${FIFOS}; for n in $(seq 0 15); do echo 1 >"$1/seat.$n"; done`,
  "Below the 10 s for which a command waits when its engine disconnects in the middle of it: the launcher must not wait.":
    FIFOS,
};

/** launcher: where no engine listens, commands run in client processes */
const LIMIT_MS = 8000;

Deno.test(
  "the head: where no engine listens, commands are done by processes of their own",
  requires("root"),
  async (test) => {
    const dir = await Deno.makeTempDir({ prefix: "tsd-head-" });
    const socket = `${dir}/tsd.sock`;
    try {
      for (const [what, script] of Object.entries(NO_ENGINE)) {
        await test.step(what, async () => {
          const made = await runCommand("sh", ["-euc", script, "sh", `${socket}.calls`]);
          assert.deepEqual(made, { code: 0, stdout: "", stderr: "" });
          for (const [name, [shell, ...words]] of Object.entries(SHELLS)) {
            const { code, stdout, stderr } = await runCommand(shell, [...words, executable(), "exec", "box", "true"], {
              env: { HOME: dir, TSD_HOST: `unix://${socket}` },
              timeoutMs: LIMIT_MS,
            });
            assert.deepEqual([code, stdout], [1, ""], name);
            assert.match(stderr, /^tsd: Cannot connect to the engine at [^\n]*\n$/, name);
          }
          for (const { name } of Deno.readDirSync(dir)) await Deno.remove(`${dir}/${name}`, { recursive: true });
        });
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
);
