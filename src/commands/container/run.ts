import { defaultExitCode, defineCommand } from "../../cli/mod.ts";
import type { TsdError } from "../../errors.ts";
import { parseDetachKeys } from "../../io/detach_keys.ts";
import { runAttached } from "./attached_run.ts";
import type { CommandContext } from "../context.ts";
import { createWithPull } from "./create_container.ts";
import { CREATE_FLAGS, CREATE_IN_OWN_PROCESS } from "./create_flags.ts";
import { DETACH_KEYS_FLAG } from "../opts/detach_keys.ts";
import { attachment, createRequest } from "./create_request.ts";
import { PROXIED } from "./signal_proxy.ts";
import { REFUSED_FLAGS } from "./refused_flags.ts";
import { requireTty } from "../stdio_session.ts";
import { timed, TIMING_FLAG } from "../timed.ts";

/** Returns the exit code of a failed `run`. Codes 1 to 124 are reserved for the command in the container, as in docker. */
export function runExitCode(error: TsdError): number {
  const code = defaultExitCode(error);
  return code === 1 ? 125 : code;
}

/** `tsd run`. */
export const run = defineCommand({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  args: { min: 1 },
  flags: {
    ...CREATE_FLAGS,
    ...REFUSED_FLAGS,
    ...DETACH_KEYS_FLAG,
    ...TIMING_FLAG,
    detach: { type: "bool", short: "d", help: "Run container in background and print container ID" },
    "sig-proxy": { type: "bool", default: true, help: "Proxy received signals to the process" },
  },
  flagsFirst: true,
  examples: [
    { line: "run --rm alpine echo hello", note: "Run a command in a new container and remove it afterwards" },
    { line: "run -d --name web --network host nginx", note: "A service in the background" },
    {
      line: "run -d --name db -m 1g --cpus 1.5 --read-only --tmpfs /tmp --cap-drop ALL postgres",
      note: "With limits, and no more rights than it needs",
    },
    { line: 'run --rm -i -v "$PWD:/src" -w /src debian tar -c .', note: "A tool on files of this folder" },
  ],
  exitCode: runExitCode,
  needsClientProcess: [...CREATE_IN_OWN_PROCESS, "attach"],
  run: (baseContext: CommandContext, { args, flags }) =>
    timed(baseContext, flags.timing, async (context) => {
      const { terminal, engine, clock } = context;
      const attach = attachment(flags, flags.detach);
      requireTty(terminal, flags.tty && attach.stdin);
      // Validated before the container is created, because attaching to it would fail.
      parseDetachKeys(flags["detach-keys"] ?? "");
      if (!flags.detach && flags["sig-proxy"]) terminal.host?.needSignals(PROXIED);
      const environment = {
        env: (name: string) => terminal.env(name),
        cwd: terminal.cwd(),
        detached: flags.detach,
        size: terminal.size(),
      };
      const id = await createWithPull(context, flags, await createRequest(flags, args, environment));
      clock?.lap("create");
      if (flags.detach) {
        // As in docker, the id is printed even if the start fails.
        await terminal.out(`${id}\n`);
        await engine.containers.get(id).start();
        clock?.lap("start");
        return 0;
      }
      return await runAttached(context, id, {
        attach,
        detachKeys: flags["detach-keys"],
        tty: flags.tty,
        autoRemove: flags.rm,
        proxySignals: flags["sig-proxy"],
      });
    }),
});
