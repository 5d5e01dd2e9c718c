import type { OciPlatform } from "../../api_types/mod.ts";
import { defineCommand, type FlagSpecs, printable, StatusError } from "../../cli/mod.ts";
import type { Client } from "../../client/client.ts";
import { toTsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { OBJECT_FORMAT_HELP } from "../formatter/list_format.ts";
import { optionalPlatform } from "../opts/platform.ts";

type Kind = "container" | "image" | "network" | "volume" | "plugin";

/** Options of a lookup. */
interface LookupOptions {
  readonly size?: boolean;
  readonly platform?: OciPlatform;
}

/** The lookup of each kind of object, in lookup order. */
const LOOKUPS: Readonly<
  Record<Kind, (engine: Client, name: string, options: LookupOptions) => Promise<unknown>>
> = {
  container: (engine, name, { size = false }) => engine.containers.get(name).inspect({ size }),
  image: (engine, name, { platform }) => engine.images.get(name).inspect(platform === undefined ? {} : { platform }),
  network: (engine, name) => engine.networks.get(name).inspect(),
  volume: (engine, name) => engine.volumes.get(name).inspect(),
  plugin: (engine, name) => engine.plugins.get(name).inspect(),
};
/** The kinds to which a name without a kind can refer. */
const KINDS: readonly Kind[] = ["container", "image", "network", "volume"];

const FORMAT_FLAG = {
  format: { type: "string", short: "f", help: OBJECT_FORMAT_HELP },
} as const satisfies FlagSpecs;

const SIZE_FLAG = {
  size: { type: "bool", short: "s", help: "Display total file sizes of containers" },
} as const satisfies FlagSpecs;

/** Docker's flag for more details of Swarm networks. For other networks all details are always shown. */
const VERBOSE_FLAG = {
  verbose: {
    type: "refused",
    short: "v",
    hidden: true,
    takesValue: false,
    help: "it is for swarms; everything about a network is shown anyway",
  },
} as const satisfies FlagSpecs;

const AS_FLAG = {
  as: { type: "string", help: "Print how to make such a container: run (the command line)" },
} as const satisfies FlagSpecs;

/** `tsd inspect`. */
export const inspect = defineCommand({
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  args: { min: 1 },
  flags: {
    ...FORMAT_FLAG,
    ...SIZE_FLAG,
    ...AS_FLAG,
    type: { type: "string", help: "Only inspect objects of the given type: container, image, network or volume" },
  },
  examples: [
    { line: "inspect web", note: "All there is to know about a container" },
    { line: "inspect -f {{.State.Status}} web", note: "One fact" },
    { line: "inspect --as run web", note: "The command line that makes such a container" },
  ],
  async run(context: CommandContext, { args, flags }) {
    if (flags.as !== undefined) return await asRun(context, args, { ...flags, as: flags.as });
    const kind = flags.type === undefined || flags.type === "" ? KINDS : KINDS.filter((each) => each === flags.type);
    if (kind.length === 0) {
      const known = KINDS.map((each) => JSON.stringify(each)).join(", ");
      throw new StatusError(`unknown type: ${JSON.stringify(flags.type)}: must be one of ${known}`);
    }
    return await inspectAll(context, args, kind, flags);
  },
});

/** `tsd plugin inspect`. */
export const pluginInspect = defineCommand({
  usage: "[OPTIONS] PLUGIN [PLUGIN...]",
  args: { min: 1 },
  flags: FORMAT_FLAG,
  examples: [{ line: "plugin inspect -f {{.Granted}} audit", note: "What a plugin was granted" }],
  run: (context: CommandContext, { args, flags }) => inspectAll(context, args, ["plugin"], flags),
});

/** `tsd container inspect`. */
export const containerInspect = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: { ...FORMAT_FLAG, ...SIZE_FLAG, ...AS_FLAG },
  examples: [{ line: "container inspect --as run web", note: "The command line that makes such a container" }],
  async run(context: CommandContext, { args, flags }) {
    if (flags.as !== undefined) return await asRun(context, args, { ...flags, as: flags.as });
    return await inspectAll(context, args, ["container"], flags);
  },
});

/** Loaded only for `--as`, because it depends on the flags of `run`. */
const asRun: typeof import("../inspect_as_run/inspect_as_run.ts").inspectAsRun = async (...given) =>
  await (await import("../inspect_as_run/inspect_as_run.ts")).inspectAsRun(...given);

/** `tsd image inspect`. */
export const imageInspect = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: { min: 1 },
  flags: {
    ...FORMAT_FLAG,
    platform: { type: "string", help: "Inspect the image of this platform (os[/arch[/variant]])" },
  },
  examples: [{ line: "image inspect -f {{.Size}} alpine", note: "One fact" }],
  run(context: CommandContext, { args, flags: { format, platform } }) {
    return inspectAll(context, args, ["image"], { format, ...optionalPlatform(platform) });
  },
});

/** `tsd network inspect`. */
export const networkInspect = defineCommand({
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  args: { min: 1 },
  flags: { ...FORMAT_FLAG, ...VERBOSE_FLAG },
  examples: [{ line: "network inspect -f {{json .Containers}} back", note: "Which containers are in it, and where" }],
  run(context: CommandContext, { args, flags: { format } }) {
    return inspectAll(context, args, ["network"], { format });
  },
});

/** `tsd volume inspect`. */
export const volumeInspect = defineCommand({
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  args: { min: 1 },
  flags: FORMAT_FLAG,
  examples: [{ line: "volume inspect -f {{.Mountpoint}} data", note: "Where its files are on the host" }],
  run(context: CommandContext, { args, flags: { format } }) {
    return inspectAll(context, args, ["volume"], { format });
  },
});

async function inspectAll(
  { engine, terminal }: CommandContext,
  names: readonly string[],
  kinds: readonly Kind[],
  { format, ...options }: { readonly format: string | undefined } & LookupOptions,
): Promise<number> {
  const show = await inspectFormat(format);
  const found: Found[] = [];
  const missing: string[] = [];
  const isIgnored = ({ kind }: Found) => options.size === true && kind !== "container";
  for (const name of names) {
    const answer = await lookUp(engine, name, kinds, options);
    if (typeof answer === "string") missing.push(answer);
    else found.push(answer);
  }
  const { text, errors } = show(found);
  // Programs get the exact text; for a terminal, control characters from an image are replaced.
  await terminal.out(terminal.isTty("stdout") ? printable(text) : text);
  for (const { kind } of found.filter(isIgnored)) await terminal.err(`WARNING: --size ignored for ${kind}\n`);
  for (const error of [...missing, ...errors]) await terminal.err(`${printable(error)}\n`);
  return missing.length + errors.length === 0 ? 0 : 1;
}

interface Found {
  readonly kind: Kind;
  readonly value: unknown;
}

type Show = (found: readonly Found[]) => { readonly text: string; readonly errors: readonly string[] };

/** Returns the renderer of a format. @throws {StatusError} for a template that can't be parsed, before any lookup */
async function inspectFormat(format: string | undefined): Promise<Show> {
  if (format === undefined || format === "" || format === "json") {
    const indent = format === "json" ? 0 : 4;
    return (found) => ({ text: `${JSON.stringify(found.map(({ value }) => value), null, indent)}\n`, errors: [] });
  }
  const { inspectTemplate } = await import("../formatter/object_template.ts");
  const render = inspectTemplate(format);
  return (found) => {
    const results = found.map(({ kind, value }) => render(kind, value));
    const lines = results.flatMap((result) => "text" in result ? [`${result.text}\n`] : []);
    // As in docker, empty output ends with a line feed too.
    const text = lines.length === 0 ? "\n" : lines.join("");
    return { text, errors: results.flatMap((result) => "error" in result ? [result.error] : []) };
  };
}

/** Looks up a name in the given kinds, in their order. Returns the object or an error message. */
async function lookUp(
  engine: Client,
  name: string,
  kinds: readonly Kind[],
  options: LookupOptions,
): Promise<Found | string> {
  let last = "";
  for (const kind of kinds) {
    try {
      return { kind, value: await LOOKUPS[kind](engine, name, options) };
    } catch (thrown) {
      const error = toTsdError(thrown);
      if (error.meaning.http >= 500) throw error;
      last = error.message;
      // An invalid or ambiguous name. The other arguments are still looked up.
      if (error.meaning.http !== 404) return `tsd: ${last}`;
    }
  }
  return kinds.length === 1 ? `tsd: ${last}` : `Error: No such object: ${name}`;
}
