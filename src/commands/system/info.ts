import type { SystemInfo } from "../../api_types/mod.ts";
import { BUILD_INFO } from "../../build_info.ts";
import { defineCommand, humanBinarySize } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { OBJECT_FORMAT_HELP } from "../formatter/list_format.ts";
import type { Rendered } from "../formatter/object_template.ts";

/** `tsd info`. */
export const info = defineCommand({
  usage: "[OPTIONS]",
  args: { min: 0, max: 0 },
  flags: { format: { type: "string", short: "f", help: OBJECT_FORMAT_HELP } },
  examples: [{ line: "info --format json", note: "For programs" }],
  async run({ terminal, engine }: CommandContext, { flags }) {
    const render = await infoFormat(flags.format);
    const found = await engine.system.info();
    const { text, failure } = render(found);
    await terminal.out(text);
    if (failure !== undefined) throw failure;
    // A template decides itself whether to show warnings.
    if (flags.format !== undefined && flags.format !== "") return 0;
    for (const warning of found.Warnings ?? []) await terminal.err(`${warning}\n`);
    return 0;
  },
});

async function infoFormat(format: string | undefined): Promise<(info: SystemInfo) => Rendered> {
  if (format === undefined || format === "") return (info) => ({ text: describe(info) });
  if (format === "json") return (info) => ({ text: `${JSON.stringify(info)}\n` });
  const { endedTemplate, openStruct } = await import("../formatter/object_template.ts");
  const render = endedTemplate(format, { parse: "template parsing error: ", execute: "" });
  return (info) => render(openStruct("system.dockerInfo", info));
}

/** Formats the engine's information with Docker's labels, in Docker's order. */
export function describe(info: SystemInfo): string {
  const lines: readonly (readonly [string, string | number | boolean | undefined])[] = [
    ["Containers", info.Containers],
    [" Running", info.ContainersRunning],
    [" Paused", info.ContainersPaused],
    [" Stopped", info.ContainersStopped],
    ["Images", info.Images],
    ["Server Version", info.ServerVersion],
    ["Storage Driver", info.Driver],
    ...(info.DriverStatus ?? []).map(([name, value]) => [` ${name}`, value] as const),
    ["Logging Driver", info.LoggingDriver],
    ["Cgroup Driver", info.CgroupDriver],
    ["Cgroup Version", info.CgroupVersion],
    ["Runtimes", Object.keys(info.Runtimes ?? {}).join(" ")],
    ["Default Runtime", info.DefaultRuntime],
    ["Init Binary", info.InitBinary],
    ["Security Options", (info.SecurityOptions ?? []).map((text) => text.replace(/^name=/, "")).join(" ")],
    ["Kernel Version", info.KernelVersion],
    ["Operating System", info.OperatingSystem],
    ["OSType", info.OSType],
    ["Architecture", info.Architecture],
    ["CPUs", info.NCPU],
    ["Total Memory", humanBinarySize(info.MemTotal)],
    ["Name", info.Name],
    ["ID", info.ID],
    ["Tsd Root Dir", info.DockerRootDir],
    ["Debug Mode", info.Debug],
    ["HTTP Proxy", info.HttpProxy],
    ["HTTPS Proxy", info.HttpsProxy],
    ["No Proxy", info.NoProxy],
  ];
  const shown = lines.filter(([, value]) => value !== undefined && value !== "");
  const server = shown.map(([label, value]) => ` ${label}: ${value}\n`).join("");
  return `Client:\n Version:    ${BUILD_INFO.version}\n\nServer:\n${server}${registries(info)}`;
}

function registries({ RegistryConfig: config }: SystemInfo): string {
  const listed = (label: string, names: readonly string[]) =>
    names.length === 0 ? "" : ` ${label}:\n${names.map((name) => `  ${name}\n`).join("")}`;
  const indexes = Object.values(config?.IndexConfigs ?? {});
  const insecure = indexes.filter(({ Secure }) => !Secure).map(({ Name }) => Name);
  const others = indexes.filter(({ Official }) => !Official)
    .flatMap(({ Name, Mirrors }) => (Mirrors ?? []).map((mirror) => `${mirror} (${Name})`));
  return listed("Insecure Registries", [...insecure, ...config?.InsecureRegistryCIDRs ?? []]) +
    listed("Registry Mirrors", [...config?.Mirrors ?? [], ...others]);
}
