/** The checks that count as one test each: format, lint, types, the build. */
import { PROJECT_DIR } from "../project.ts";
import type { Outcome } from "./test_file.ts";

export interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

/** Checks of the sources alone. */
export const STATIC_STEPS: readonly Step[] = [
  { name: "format (deno fmt --check)", args: ["fmt", "--check", "--quiet"] },
  { name: "lint (deno lint, with tests/lint)", args: ["lint", "--quiet"] },
  { name: "types (deno check)", args: ["check", "--quiet", "--frozen", "."] },
];

export const BUILD_STEP: Step = {
  name: "build (scripts/compile.ts)",
  args: ["run", "--quiet", "-A", "scripts/compile.ts"],
};

export async function runStep({ name, args }: Step): Promise<Outcome> {
  const started = performance.now();
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: PROJECT_DIR,
    env: { NO_COLOR: "1" },
    stdin: "null",
  });
  const { success, stdout, stderr } = await command.output();
  const output = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  const failure = success ? "" : output.trim();
  const cases = [{ name, outcome: success ? "passed" as const : "failed" as const, position: "", failure }];
  return { name, cases, output: success ? output : "", durationMs: performance.now() - started };
}
