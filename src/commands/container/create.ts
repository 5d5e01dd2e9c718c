import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { createWithPull } from "./create_container.ts";
import { CREATE_FLAGS, CREATE_IN_OWN_PROCESS } from "./create_flags.ts";
import { createRequest } from "./create_request.ts";
import { REFUSED_FLAGS } from "./refused_flags.ts";
import { timed, TIMING_FLAG } from "../timed.ts";

/** `tsd create`. */
export const create = defineCommand({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  args: { min: 1 },
  flags: { ...CREATE_FLAGS, ...REFUSED_FLAGS, ...TIMING_FLAG },
  flagsFirst: true,
  needsClientProcess: CREATE_IN_OWN_PROCESS,
  examples: [{ line: "create --name job debian sleep 60", note: "A container that waits to be started" }],
  run: (baseContext: CommandContext, { args, flags }) =>
    timed(baseContext, flags.timing, async (context) => {
      const { terminal, clock } = context;
      const environment = { env: (name: string) => terminal.env(name), cwd: terminal.cwd(), detached: false };
      const id = await createWithPull(context, flags, await createRequest(flags, args, environment));
      clock?.lap("create");
      await terminal.out(`${id}\n`);
      return 0;
    }),
});
