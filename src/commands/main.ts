/**
 * @module
 * The commands of `tsd`, one verb a file. A command reads its flags, calls the Engine API through `src/client/` and shows
 * the answer as the docker CLI does; it holds no state and never imports the engine. Invariant: starting up loads this
 * module, the table and the kernel, and of the commands only the one that was called.
 */
import { BUILD_INFO } from "../build_info.ts";
import { DenoTerminal, dispatch, exit, type Program, type Terminal } from "../cli/mod.ts";
import { type CommandContext, createContext, type Serve } from "./context.ts";
import { COMMANDS, GLOBAL_FLAGS, GROUPS } from "./table.ts";

/** The program `tsd` on a terminal. */
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

/** The executable: runs one command line and ends the process with its exit code. */
export async function main(argv: readonly string[], serve: Serve): Promise<never> {
  const terminal = new DenoTerminal();
  return exit(await dispatch(tsdProgram(terminal, serve), argv, terminal));
}
