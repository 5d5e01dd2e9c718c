/** A minimal Deno program, the lower bound for any program on Deno. */
import { join } from "node:path";
import type { Command } from "./peer.ts";
import { privateDir } from "./host_traces.ts";

export interface Hello extends AsyncDisposable {
  readonly command: Command;
}

/** Writes the program to a temporary directory, with a private Deno cache that the warm-up fills. */
export async function helloProgram(): Promise<Hello> {
  await using undo = new AsyncDisposableStack();
  const dir = await privateDir("hello", undo);
  await Deno.writeTextFile(join(dir, "hello.ts"), 'console.log("hello");\n');
  const env = { PATH: "/usr/bin:/bin", HOME: dir, DENO_DIR: join(dir, "cache"), DENO_NO_UPDATE_CHECK: "1" };
  const owned = undo.move();
  return {
    command: { program: Deno.execPath(), args: ["run", join(dir, "hello.ts")], env },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
