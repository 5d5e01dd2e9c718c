/**
 * Derives from a container's configuration what was requested for it: the configuration without the image's and the default
 * values. The same request on the same image gives the same configuration again. Pure.
 */
import type { ContainerConfig, HealthConfig, ImageConfig } from "../../api_types/mod.ts";

/** Merges environments as Docker does: the container's variables, then those of the image that it doesn't set. */
function mergedEnv(image: readonly string[], overrides: readonly string[]): string[] {
  const named = new Set(overrides.map(nameOf));
  return [...overrides, ...image.filter((entry) => !named.has(nameOf(entry)))];
}

/** Returns the shortest prefix of `merged` that, merged with the image's environment, gives `merged` again. */
export function envOverrides(image: readonly string[], merged: readonly string[]): string[] {
  for (let count = 0; count < merged.length; count++) {
    const overrides = merged.slice(0, count);
    if (isSame(mergedEnv(image, overrides), merged)) return overrides;
  }
  return [...merged];
}

/**
 * Returns the fields of a container's configuration that differ from its image's and from the defaults.
 * @param base the image's configuration
 * @param defaultHostname the host name that the container gets if none is requested
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

/**
 * Returns the overrides of entry point and command. A container's entry point discards the image's command, and `[""]`
 * removes the image's entry point.
 */
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
  const overrides: HealthConfig = {};
  if (merged?.Test && !isSame(merged.Test, base?.Test ?? [])) overrides.Test = merged.Test;
  for (const field of ["Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"] as const) {
    if (merged?.[field] && merged[field] !== base?.[field]) overrides[field] = merged[field];
  }
  return overrides;
}

/** Returns the entries that the image doesn't have with the same value. */
function difference<T>(
  merged: Readonly<Record<string, T>> | null | undefined,
  base: Readonly<Record<string, T>> | null | undefined,
): Record<string, T> {
  const isOverride = ([key, value]: [string, T]) => JSON.stringify(base?.[key]) !== JSON.stringify(value);
  return Object.fromEntries(Object.entries(merged ?? {}).filter(isOverride));
}

/** Returns `make(value)`, or an empty object if the value is empty or the default. */
function unless<T extends object>(
  value: string | undefined,
  defaultValue: string | undefined,
  make: (value: string) => T,
) {
  return value && value !== defaultValue ? make(value) : {};
}

const some = <K extends string, T extends object>(name: K, value: T): { [_ in K]?: T } =>
  Object.keys(value).length === 0 ? {} : { [name]: value } as { [_ in K]?: T };

/** Returns the fields that are neither null nor empty. `false` and 0 count as values. */
export function withoutEmpty<T extends object>(fields: T): Partial<T> {
  const isSet = (value: unknown) =>
    value !== undefined && value !== null && value !== "" &&
    (typeof value !== "object" || Object.keys(value).length > 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isSet(value))) as Partial<T>;
}

export const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, at) => item === b[at]);

const nameOf = (entry: string): string => entry.split("=", 1)[0];
