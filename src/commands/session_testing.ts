import { dispatch } from "../cli/mod.ts";
import { FakeTerminal } from "../cli/terminal_testing.ts";
import { Client } from "../client/client.ts";
import type { FakeEngine } from "../client/fake_engine_testing.ts";
import type { Serve } from "./context.ts";
import { tsdProgram } from "./main.ts";

/** Runs one command line on a fake engine and a fake terminal, for tests. */
export async function callTsd(
  engine: FakeEngine,
  argv: readonly string[],
  { terminal = new FakeTerminal(), serve = () => Promise.resolve(0), startsOnDemand = true }: {
    terminal?: FakeTerminal;
    serve?: Serve;
    startsOnDemand?: boolean;
  } = {},
): Promise<{ code: number; out: string; err: string }> {
  const client = new Client(engine);
  const program = {
    ...tsdProgram(terminal, serve),
    context: () => ({ terminal, engine: client, runningEngine: client, startsOnDemand, hostFlag: undefined, serve }),
  };
  const code = await dispatch(program, argv, terminal);
  return { code, out: terminal.stdout, err: terminal.stderr };
}
