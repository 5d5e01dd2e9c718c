/** Runs one test file in a process of its own: what crashes, hangs or changes its process harms no other file. */
import { join } from "node:path";
import { Deadline } from "../../tests/harness/deadline.ts";
import { exists, PROJECT_DIR } from "../project.ts";
import { parseJunit, type TestCase } from "./junit.ts";
import { clearLeftovers, describeProcesses } from "./leftovers.ts";

/** What a file's tests came to, or a step's. */
export interface Outcome {
  /** The file's path relative to the project, or the step's name. */
  readonly name: string;
  readonly cases: readonly TestCase[];
  /** What was printed; shown when something failed. */
  readonly output: string;
  readonly durationMs: number;
}

export interface TestFileOptions {
  readonly timeoutMs: number;
  readonly env?: Record<string, string>;
}

/** Lines of a process's output that are shown when it died without a report. */
const TAIL_LINES = 40;

/**
 * Runs the tests of a file. A crash, a timeout, no tests at all and leftovers count as failed cases. The failure of a
 * timeout has the end of the output, whose last line names the test that hangs, and the file's processes.
 */
export async function runTestFile(file: string, options: TestFileOptions): Promise<Outcome> {
  const started = performance.now();
  const dir = await Deno.makeTempDir({ prefix: "t-" }); // short: unix sockets have 107 characters
  await Deno.chmod(dir, 0o711); // tests run programs as other users, who have to get at what lies below
  const reportDir = await Deno.makeTempDir({ prefix: "tsd-report-" });
  try {
    const report = join(reportDir, "junit.xml");
    const { status, output, hung } = await run(file, report, dir, options);
    const cases = await exists(report) ? parseJunit(await Deno.readTextFile(report)) : [];
    const left = await clearLeftovers(dir).catch((error: Error) => [`(the look for it failed: ${error.message})`]);
    const extra: TestCase[] = [];
    if (hung !== undefined) {
      const failure = `took longer than ${options.timeoutMs / 1000} s and was killed`;
      extra.push(failed("(the whole file)", [failure, tail(output), ...await hung].join("\n")));
    } else if (!status.success && !cases.some(({ outcome }) => outcome === "failed")) {
      extra.push(failed("(the whole file)", `${howItEnded(status)}\n${tail(output)}`));
    } else if (cases.length === 0) extra.push(failed("(the whole file)", "has no tests"));
    if (left.length > 0) extra.push(failed("(after all tests)", `left behind:\n${left.join("\n")}`));
    return { name: file, cases: [...cases, ...extra], output, durationMs: performance.now() - started };
  } finally {
    await Deno.remove(reportDir, { recursive: true });
  }
}

async function run(
  file: string,
  report: string,
  dir: string,
  { timeoutMs, env }: TestFileOptions,
): Promise<{ status: Deno.CommandStatus; output: string; hung: Promise<string[]> | undefined }> {
  // Types were checked once for everything.
  const args = ["test", "--quiet", "-A", "--no-check", `--junit-path=${report}`, file];
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: PROJECT_DIR,
    env: { NO_COLOR: "1", ...env, TMPDIR: dir },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let hung: Promise<string[]> | undefined;
  using _deadline = new Deadline(timeoutMs).whenOver(() => {
    hung = describeProcesses(dir).finally(() => child.kill("SIGKILL"));
  });
  // Descendants may keep the pipes open after the tests' own process has ended: what it wrote is there by then.
  const [stdout, stderr] = [new Collector(child.stdout), new Collector(child.stderr)];
  const status = await child.status;
  const output = (await Promise.all([stdout.finish(), stderr.finish()])).join("");
  return { status, output, hung };
}

/** Collects a process's output until it ends, or until a grace time after the process did. */
class Collector {
  static readonly #GRACE_MS = 1000;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #ended: Promise<void>;
  #text = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.#ended = this.#collect();
  }

  async finish(): Promise<string> {
    const timer = setTimeout(() => void this.#reader.cancel(), Collector.#GRACE_MS);
    await this.#ended;
    clearTimeout(timer);
    return this.#text;
  }

  async #collect(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }
}

const failed = (name: string, failure: string): TestCase => ({ name, outcome: "failed", position: "", failure });

function howItEnded({ code, signal }: Deno.CommandStatus): string {
  return signal === null ? `ended with exit code ${code} and no failed test` : `was killed by ${signal}`;
}

function tail(output: string): string {
  return output.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}
