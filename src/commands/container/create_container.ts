import type { ContainerCreateRequest } from "../../api_types/mod.ts";
import { UsageError } from "../../cli/mod.ts";
import { isTsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import type { CreateFlagValues } from "./create_flags.ts";

const PULL_POLICIES = ["always", "missing", "never"];

/** Creates a container, after pulling its image if requested or necessary. Returns the container's id. */
export async function createWithPull(
  context: CommandContext,
  flags: CreateFlagValues,
  request: ContainerCreateRequest,
): Promise<string> {
  const { engine, terminal } = context;
  if (!PULL_POLICIES.includes(flags.pull)) {
    throw new UsageError(`invalid pull option: '${flags.pull}': must be one of "always", "missing" or "never"`);
  }
  // Most images exist already, so the code for pulling is loaded only when needed.
  const pull = async (why: "wanted" | "missing") => {
    const { pullForCreate } = await import("./pull_for_create.ts");
    await pullForCreate(context, request.Image ?? "", why, flags);
  };
  const create = () => engine.containers.create(request, { name: flags.name, platform: flags.platform });
  await using cidFile = await CidFile.open(flags.cidfile);
  if (flags.pull === "always") await pull("wanted");
  const { Id, Warnings } = await create().catch(async (thrown) => {
    if (flags.pull !== "missing" || !isTsdError(thrown, "image_not_found", "not_found")) throw thrown;
    await pull("missing");
    return await create();
  });
  for (const warning of Warnings ?? []) await terminal.err(`WARNING: ${warning}\n`);
  await cidFile?.write(Id);
  return Id;
}

/** The file of `--cidfile`. It is created before the container, and removed again if that fails. */
class CidFile implements AsyncDisposable {
  readonly #path: string;
  #written = false;

  private constructor(path: string) {
    this.#path = path;
  }

  static async open(path: string | undefined): Promise<CidFile | undefined> {
    if (path === undefined) return undefined;
    try {
      (await Deno.open(path, { write: true, createNew: true })).close();
      return new CidFile(path);
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.AlreadyExists)) throw cannotWrite(path, thrown);
      throw new UsageError(
        `container ID file found, make sure the other container isn't running or delete ${path}`,
      );
    }
  }

  async write(id: string): Promise<void> {
    await Deno.writeTextFile(this.#path, id);
    this.#written = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#written) await Deno.remove(this.#path);
  }
}

function cannotWrite(path: string, thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  return new UsageError(`failed to create the container ID file ${path}: ${thrown.message}`);
}
