/**
 * @module
 * Runs containers from generated configurations with the installed runc, for tests that inspect them from inside.
 */
import { strict as assert } from "node:assert";
import { cgroupsPath, generateSpec } from "./generate.ts";
import { probeHost } from "./host_probe.ts";
import type { SpecInput } from "./input.ts";
import { ociJson, type OciProcess } from "./oci.ts";
import { CONTAINER } from "./spec_testing.ts";

/** The result of a command. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const PROGRAMS = [
  "sh",
  "cat",
  "id",
  "ls",
  "sleep",
  "stat",
  "unshare",
  "hostname",
  "readlink",
  "touch",
  "env",
  "mknod",
  "uname",
];

/** A temporary directory with a busybox root filesystem and runc's state. Dispose of it to remove all of it. */
export class RuncFixture implements AsyncDisposable {
  readonly #dir: string;
  readonly #engineId: string;
  #containers = 0;

  private constructor(dir: string) {
    this.#dir = dir;
    this.#engineId = `test-${dir.slice(-8)}`;
  }

  static async open(): Promise<RuncFixture> {
    const dir = await Deno.makeTempDir({ prefix: "tsd-spec-" });
    await Deno.chmod(dir, 0o755);
    for (const directory of ["bin", "etc", "proc", "sys", "dev", "tmp"]) {
      await Deno.mkdir(`${dir}/rootfs/${directory}`, { recursive: true });
    }
    await Deno.copyFile("/bin/busybox", `${dir}/rootfs/bin/busybox`);
    for (const program of PROGRAMS) await Deno.symlink("busybox", `${dir}/rootfs/bin/${program}`);
    return new RuncFixture(dir);
  }

  /** Returns a path below the temporary directory, for bind mounts. */
  path(name: string): string {
    return `${this.#dir}/${name}`;
  }

  get root(): string {
    return this.path("rootfs");
  }

  /** Runs a shell script in a container with default settings, modified by `changes`. */
  async run(script: string, changes: Partial<SpecInput> = {}): Promise<Outcome> {
    const id = await this.#bundle({ args: ["/bin/sh", "-c", script], ...changes });
    return await this.#runc(["run", "--bundle", this.path(id), id]);
  }

  /** Returns the output of {@link run}, which must succeed. */
  async output(script: string, changes: Partial<SpecInput> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(script, changes);
    assert.equal(code, 0, `${stderr}${stdout}`);
    return stdout.trim();
  }

  /** Starts a container that sleeps, runs `process` in it, and removes the container. */
  async exec(process: OciProcess, changes: Partial<SpecInput> = {}): Promise<Outcome> {
    const id = await this.#bundle({ args: ["/bin/sleep", "60"], ...changes });
    const started = await this.#runc(["run", "--detach", "--bundle", this.path(id), id], "null");
    assert.equal(started.code, 0, started.stderr);
    try {
      await Deno.writeTextFile(this.path(`${id}/process.json`), ociJson(process));
      return await this.#runc(["exec", "--process", this.path(`${id}/process.json`), id]);
    } finally {
      await this.#runc(["delete", "--force", id]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#dir, { recursive: true });
    const parent = cgroupsPath("", this.#engineId).slice(0, -1);
    for await (const { name } of Deno.readDir("/sys/fs/cgroup")) await removeGroup(`/sys/fs/cgroup/${name}${parent}`);
    await removeGroup(`/sys/fs/cgroup${parent}`);
  }

  async #bundle(changes: Partial<SpecInput>): Promise<string> {
    const id = `${this.#engineId}-${++this.#containers}`;
    const host = await probeHost();
    const { spec } = generateSpec({
      ...CONTAINER,
      containerId: id,
      rootPath: this.root,
      etcFiles: {},
      cgroupns: host.cgroupVersion === 2 ? "private" : "host",
      cgroupsPath: cgroupsPath(id, this.#engineId),
      host,
      ...changes,
    });
    await Deno.mkdir(this.path(id));
    await Deno.writeTextFile(this.path(`${id}/config.json`), ociJson(spec));
    return id;
  }

  async #runc(args: readonly string[], output: "piped" | "null" = "piped"): Promise<Outcome> {
    // deno-lint-ignore tsd/no-command-outside-home -- only tests use this file
    const command = new Deno.Command("runc", {
      args: ["--root", this.path("runc"), "--log", this.path("runc.log"), ...args],
      stdin: "null",
      stdout: output,
      stderr: output,
    });
    const result = await command.output();
    const text = (bytes: () => Uint8Array) => output === "null" ? "" : new TextDecoder().decode(bytes());
    return { code: result.code, stdout: text(() => result.stdout), stderr: text(() => result.stderr) };
  }
}

async function removeGroup(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.NotADirectory)) throw error;
  }
}
