import { type Command, defineCommand, type FlagSpecs, printable, UsageError } from "../cli/mod.ts";
import { inspectContainer } from "../client/containers.ts";
import { inspectImage } from "../client/images.ts";
import type { EngineTransport } from "../client/transport.ts";
import { toTsdError } from "../errors.ts";
import type { CommandContext } from "./context.ts";

type Kind = "container" | "image";

/** How each kind of thing is looked up, in the order of looking. */
const LOOKUPS: Readonly<Record<Kind, (engine: EngineTransport, name: string) => Promise<unknown>>> = {
  container: inspectContainer,
  image: inspectImage,
};
const KINDS = Object.keys(LOOKUPS) as Kind[];

const FORMAT_FLAG = {
  format: { type: "string", short: "f", help: "Format output: 'json' gives one line for each object" },
} as const satisfies FlagSpecs;

/** `tsd inspect`. */
export const inspect = defineCommand({
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  args: { min: 1 },
  flags: {
    ...FORMAT_FLAG,
    type: { type: "string", help: "Only inspect objects of the given type: container or image" },
  },
  examples: [{ line: "inspect web", note: "All there is to know about a container" }],
  async run(context: CommandContext, { args, flags }) {
    const kind = flags.type === undefined || flags.type === "" ? KINDS : KINDS.filter((each) => each === flags.type);
    if (kind.length === 0) {
      throw new UsageError(`"${flags.type}" is not a valid value for --type: give ${KINDS.join(" or ")}`);
    }
    return await inspectAll(context, args, kind, flags.format);
  },
});

const inspectOne = (kind: Kind, usage: string): Command<CommandContext> =>
  defineCommand({
    usage,
    args: { min: 1 },
    flags: FORMAT_FLAG,
    examples: [],
    run: (context: CommandContext, { args, flags }) => inspectAll(context, args, [kind], flags.format),
  });

/** `tsd container inspect`. */
export const containerInspect = inspectOne("container", "[OPTIONS] CONTAINER [CONTAINER...]");
/** `tsd image inspect`. */
export const imageInspect = inspectOne("image", "[OPTIONS] IMAGE [IMAGE...]");

async function inspectAll(
  { engine, terminal }: CommandContext,
  names: readonly string[],
  kinds: readonly Kind[],
  format: string | undefined,
): Promise<number> {
  if (format !== undefined && format !== "" && format !== "json") {
    throw new UsageError(`Cannot use --format ${JSON.stringify(format)}: give json; Go templates are not supported`);
  }
  const found: unknown[] = [];
  const errors: string[] = [];
  for (const name of names) {
    const answer = await lookUp(engine, name, kinds);
    if (answer.error === undefined) found.push(answer.value);
    else errors.push(answer.error);
  }
  const lines = format === "json" ? found.map((value) => JSON.stringify(value)) : [JSON.stringify(found, null, 4)];
  await terminal.out(lines.map((line) => `${line}\n`).join(""));
  for (const error of errors) await terminal.err(`${printable(error)}\n`);
  return errors.length === 0 ? 0 : 1;
}

async function lookUp(
  engine: EngineTransport,
  name: string,
  kinds: readonly Kind[],
): Promise<{ value?: unknown; error?: string }> {
  let last = "";
  for (const kind of kinds) {
    try {
      return { value: await LOOKUPS[kind](engine, name) };
    } catch (thrown) {
      const error = toTsdError(thrown);
      if (error.meaning.http !== 404) throw error;
      last = error.message;
    }
  }
  return { error: kinds.length === 1 ? `tsd: ${last}` : `Error: No such object: ${name}` };
}
