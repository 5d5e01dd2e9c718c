/**
 * What a container was asked for, as far as its configuration shows it: without what came from its image and from defaults.
 * Asking for the rest on the same image gives the same configuration again. Pure.
 */
import type { ContainerConfig, HealthConfig, ImageConfig } from "../../api_types/mod.ts";

/** What Docker's merge makes of an image's environment and a container's: its own first, then what it doesn't name. */
function mergedEnv(image: readonly string[], own: readonly string[]): string[] {
  const named = new Set(own.map(nameOf));
  return [...own, ...image.filter((entry) => !named.has(nameOf(entry)))];
}

/** The shortest beginning from which, over the image's, the same environment comes again. */
export function envOverrides(image: readonly string[], merged: readonly string[]): string[] {
  for (let count = 0; count < merged.length; count++) {
    const own = merged.slice(0, count);
    if (isSame(mergedEnv(image, own), merged)) return own;
  }
  return [...merged];
}

/**
 * @param base the image's configuration
 * @param defaultHostname the name that this container would have had anyway
 */
export function configOverrides(merged: ContainerConfig, base: ImageConfig, defaultHostname: string): ContainerConfig {
  const { Hostname, Domainname, User, WorkingDir, StopSignal, Shell, OnBuild: _onBuild, ...rest } = merged;
  const { Env, Entrypoint: _entrypoint, Cmd: _cmd, Labels, ExposedPorts, Volumes, Healthcheck, ...plain } = rest;
  return {
    ...withoutEmpty(plain),
    ...unless(Hostname, defaultHostname, (value) => ({ Hostname: value })),
    ...unless(Domainname, undefined, (value) => ({ Domainname: value })),
    ...unless(User, base.User, (value) => ({ User: value })),
    ...unless(WorkingDir, base.WorkingDir, (value) => ({ WorkingDir: value })),
    ...unless(StopSignal, base.StopSignal, (value) => ({ StopSignal: value })),
    ...(Shell && !isSame(Shell, base.Shell ?? []) ? { Shell } : {}),
    ...subcommand(merged, base),
    ...some("Env", envOverrides(base.Env ?? [], Env ?? [])),
    ...some("Labels", difference(Labels, base.Labels)),
    ...some("ExposedPorts", difference(ExposedPorts, base.ExposedPorts)),
    ...some("Volumes", difference(Volumes, base.Volumes)),
    ...some("Healthcheck", healthcheckOverrides(Healthcheck, base.Healthcheck)),
  };
}

/** An entry point of its own drops the image's command; `[""]` takes the image's entry point away. */
function subcommand(merged: ContainerConfig, base: ImageConfig): Pick<ContainerConfig, "Entrypoint" | "Cmd"> {
  const [entrypoint, cmd] = [merged.Entrypoint ?? [], merged.Cmd ?? []];
  const [baseEntrypoint, baseCmd] = [base.Entrypoint ?? [], base.Cmd ?? []];
  if (isSame(entrypoint, baseEntrypoint)) {
    if (isSame(cmd, baseCmd)) return {};
    if (cmd.length > 0) return { Cmd: cmd };
  }
  return { Entrypoint: entrypoint.length === 0 ? [""] : entrypoint, ...some("Cmd", cmd) };
}

function healthcheckOverrides(
  merged: HealthConfig | null | undefined,
  base: HealthConfig | null | undefined,
): HealthConfig {
  const own: HealthConfig = {};
  if (merged?.Test && !isSame(merged.Test, base?.Test ?? [])) own.Test = merged.Test;
  for (const field of ["Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"] as const) {
    if (merged?.[field] && merged[field] !== base?.[field]) own[field] = merged[field];
  }
  return own;
}

/** Entries that the image doesn't have like this. */
function difference<T>(
  merged: Readonly<Record<string, T>> | null | undefined,
  base: Readonly<Record<string, T>> | null | undefined,
): Record<string, T> {
  const isOwn = ([key, value]: [string, T]) => JSON.stringify(base?.[key]) !== JSON.stringify(value);
  return Object.fromEntries(Object.entries(merged ?? {}).filter(isOwn));
}

/** Nothing for a value that is empty, or what it would be anyway. */
function unless<T extends object>(value: string | undefined, anyway: string | undefined, make: (value: string) => T) {
  return value && value !== anyway ? make(value) : {};
}

const some = <K extends string, T extends object>(name: K, value: T): { [_ in K]?: T } =>
  Object.keys(value).length === 0 ? {} : { [name]: value } as { [_ in K]?: T };

/** Without null and what is empty: false and 0 are values. */
export function withoutEmpty<T extends object>(fields: T): Partial<T> {
  const isSet = (value: unknown) =>
    value !== undefined && value !== null && value !== "" &&
    (typeof value !== "object" || Object.keys(value).length > 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isSet(value))) as Partial<T>;
}

export const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, at) => item === b[at]);

const nameOf = (entry: string): string => entry.split("=", 1)[0];
