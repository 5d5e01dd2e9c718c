/**
 * @module
 * The commands of `tsd`, one file per verb. A command reads its flags, calls the Engine API through `src/client/` and prints
 * the response as the docker CLI does. Commands hold no state and never import the engine. Invariant: startup loads this
 * module, the command table, `src/cli/` and only the command that was called.
 */
import { BUILD_INFO } from "../build_info.ts";
import { DenoTerminal, dispatch, exit, type Program, type Terminal } from "../cli/mod.ts";
import { type CommandContext, createContext, type Serve } from "./context.ts";
import { COMMANDS, GLOBAL_FLAGS, GROUPS } from "./table.ts";

/** Returns the program `tsd` for a terminal. */
export function tsdProgram(terminal: Terminal, serve: Serve): Program<CommandContext> {
  return {
    name: "tsd",
    summary: "Pulls images and runs containers, compatible with Docker",
    version: BUILD_INFO.version,
    globalFlags: GLOBAL_FLAGS,
    groups: GROUPS,
    commands: COMMANDS,
    context: (globals) => createContext(terminal, globals, serve),
  };
}

/** Runs one command line and exits the process with its exit code. */
export async function main(argv: readonly string[], serve: Serve): Promise<never> {
  const terminal = new DenoTerminal();
  return exit(await dispatch(tsdProgram(terminal, serve), argv, terminal));
}
