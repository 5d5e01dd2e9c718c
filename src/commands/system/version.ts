import { API_VERSION } from "../../client/http_transport.ts";
import type { Version } from "../../api_types/mod.ts";
import { BUILD_INFO } from "../../build_info.ts";
import { defineCommand, printable } from "../../cli/mod.ts";
import { isTsdError, toTsdError, type TsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { OBJECT_FORMAT_HELP } from "../formatter/list_format.ts";
import type { Rendered } from "../formatter/object_template.ts";

const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };
const LABEL_WIDTH = 19;
const ANSWER_LIMIT_MS = 10_000;

/** `tsd version`. */
export const version = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: { format: { type: "string", short: "f", help: OBJECT_FORMAT_HELP } },
  examples: [{ line: "version --format json", note: "For programs" }],
  async run(context: CommandContext, { flags }) {
    const { terminal } = context;
    const render = await versionFormat(flags.format);
    const client = await clientVersion();
    const { server, error } = await serverVersion(context);
    const absent = error === undefined && server === undefined;
    const shown = render?.({ Client: client, Server: server ?? null }) ?? {
      text: lines("Client:", "", CLIENT_LABELS, client) +
        (server === undefined ? "" : `\nServer:\n${serverLines(server)}`) +
        (absent ? "\nServer: not running (the first command that needs it starts it)\n" : ""),
    };
    await terminal.out(shown.text);
    if (shown.failure !== undefined) throw shown.failure;
    if (error === undefined) return 0;
    await terminal.err(`tsd: ${printable(error.message)}\n`);
    return 1;
  },
});

/** Returns the renderer of a format; undefined for the default text. */
async function versionFormat(format: string | undefined): Promise<undefined | ((versions: Versions) => Rendered)> {
  if (format === undefined || format === "") return undefined;
  if (format === "json") return (versions) => ({ text: `${JSON.stringify(versions)}\n` });
  const { endedTemplate, shaped } = await import("../formatter/object_template.ts");
  const render = endedTemplate(format, { name: "version", parse: "template parsing error: ", execute: "" });
  return (versions) => render(shaped("system.versionInfo", versions));
}

interface Versions {
  readonly Client: ClientVersion;
  readonly Server: Version | null;
}

interface ClientVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly Form: string;
  readonly HashEngine: string;
  readonly Deno: string;
  readonly GitCommit: string;
  readonly Os: string;
  readonly Arch: string;
}

type Labels<T> = readonly (readonly [label: string, value: (from: T) => string])[];

const CLIENT_LABELS: Labels<ClientVersion> = [
  ["Version", ({ Version }) => Version],
  ["API version", ({ ApiVersion }) => ApiVersion],
  ["Form", ({ Form }) => Form],
  ["Hash engine", ({ HashEngine }) => HashEngine],
  ["Deno version", ({ Deno }) => Deno],
  ["Git commit", ({ GitCommit }) => GitCommit],
  ["OS/Arch", ({ Os, Arch }) => `${Os}/${Arch}`],
];

const SERVER_LABELS: Labels<Version> = [
  ["Version", ({ Version }) => Version],
  ["API version", ({ ApiVersion, MinAPIVersion }) => `${ApiVersion} (minimum version ${MinAPIVersion})`],
  ["Git commit", ({ GitCommit }) => GitCommit],
  ["OS/Arch", ({ Os, Arch }) => `${Os}/${Arch}`],
  ["Kernel", ({ KernelVersion }) => KernelVersion],
];

async function clientVersion(): Promise<ClientVersion> {
  const { hashEngineName } = await import("../../hash/mod.ts");
  return {
    Version: BUILD_INFO.version,
    ApiVersion: API_VERSION,
    Form: BUILD_INFO.form,
    HashEngine: hashEngineName(),
    Deno: Deno.version.deno,
    GitCommit: BUILD_INFO.gitCommit,
    Os: Deno.build.os,
    Arch: ARCHITECTURES[Deno.build.arch] ?? Deno.build.arch,
  };
}

/** Returns the engine's version. If the engine starts on demand, it is not an error that it isn't running. */
async function serverVersion(context: CommandContext): Promise<{ server?: Version; error?: TsdError }> {
  try {
    return { server: await context.runningEngine.system.version({ timeoutMs: ANSWER_LIMIT_MS }) };
  } catch (thrown) {
    if (context.startsOnDemand && isTsdError(thrown, "engine_unavailable")) return {};
    return { error: toTsdError(thrown) };
  }
}

function lines<T>(title: string, indent: string, labels: Labels<T>, from: T): string {
  const rows = labels.map(([label, value]) => [label, value(from)]).filter(([, value]) => value !== "");
  return `${indent}${title}\n` +
    rows.map(([label, value]) => `${indent} ${`${label}:`.padEnd(LABEL_WIDTH - indent.length - 1)}${value}\n`).join("");
}

function serverLines(server: Version): string {
  const others = server.Components.filter(({ Name }) => Name !== "Engine").map(({ Name, Version, Details = {} }) => {
    const details = Object.entries(Details).filter(([label]) => label !== "Version");
    return lines(`${Name}:`, " ", [["Version", () => Version], ...pairs(details)], undefined);
  });
  const engine = server.Components.find(({ Name }) => Name === "Engine")?.Details ?? {};
  const known = ["Version", "ApiVersion", "MinAPIVersion", "GitCommit", "Os", "Arch", "KernelVersion"];
  const more = Object.entries(engine).filter(([label]) => !known.includes(label));
  return lines("Engine:", " ", [...SERVER_LABELS, ...pairs(more)] as Labels<Version>, server) + others.join("");
}

const pairs = (entries: readonly (readonly [string, string])[]): Labels<unknown> =>
  entries.map(([label, value]) => [label, () => value] as const);
