/**
 * @module
 * Validators for fields of the configuration file: each takes a JSON value and returns the validated one, or rejects it.
 */
import { parseAddress } from "../../network/address.ts";
import { parseNetwork } from "../../image/registry/mod.ts";
import { isPluginName } from "../../plugins/loaded_plugin.ts";

/** Rejects a field with a reason; never returns. */
export type Refuse = (field: string, why: string) => never;

/** A validator. `field` is the path of the value, for error messages. */
export type Field<T> = (value: unknown, field: string, refuse: Refuse) => T;

/** The type of a validated value. */
export type Infer<F> = F extends Field<infer T> ? T : never;

/** Validates an object. All fields are optional; unknown ones are rejected. */
export function object<Fields extends Record<string, Field<unknown>>>(
  fields: Fields,
): Field<{ readonly [Name in keyof Fields]?: Infer<Fields[Name]> }> {
  return (value, field, refuse) => {
    const found: Record<string, unknown> = {};
    for (const [name, member] of members(value, field, refuse)) {
      if (!Object.hasOwn(fields, name)) {
        refuse(memberPath(field, name), `unknown field (known are ${Object.keys(fields).join(", ")})`);
      }
      found[name] = fields[name]!(member, memberPath(field, name), refuse);
    }
    return found as { readonly [Name in keyof Fields]?: Infer<Fields[Name]> };
  };
}

/** Validates an object with arbitrary keys. */
export function mapOf<T>(name: Field<string>, item: Field<T>): Field<Readonly<Record<string, T>>> {
  return (value, field, refuse) =>
    Object.fromEntries(
      members(value, field, refuse).map(([key, member]) => [
        name(key, memberPath(field, key), refuse),
        item(member, memberPath(field, key), refuse),
      ]),
    );
}

export function listOf<T>(item: Field<T>): Field<readonly T[]> {
  return (value, field, refuse) => {
    if (!Array.isArray(value)) return refuse(field, "it is no list");
    return value.map((each, at) => item(each, `${field}[${at}]`, refuse));
  };
}

export const text: Field<string> = (value, field, refuse) =>
  typeof value === "string" ? value : refuse(field, "it is no text");

/** Validates one of the given strings. */
export function oneOf<Word extends string>(values: readonly Word[]): Field<Word> {
  return (value, field, refuse) =>
    values.find((word) => word === value) ?? refuse(field, `it must be one of ${values.join(", ")}`);
}

/** An integer from 1 to 1000. */
export const count: Field<number> = (value, field, refuse) =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 1000
    ? value
    : refuse(field, "it is no whole number from 1 to 1000");

export const filePath: Field<string> = (value, field, refuse) => {
  const path = text(value, field, refuse);
  return path.startsWith("/") ? path : refuse(field, `${JSON.stringify(path)} is no absolute path`);
};

/** A program: an absolute path, or a name to look up in the usual directories. */
export const program: Field<string> = (value, field, refuse) => {
  const given = text(value, field, refuse);
  if (given === "") refuse(field, "it is empty");
  return given.includes("/") ? filePath(given, field, refuse) : given;
};

/** A runtime's name, which becomes part of a directory's name. */
export const runtimeName: Field<string> = (value, field, refuse) => {
  const name = text(value, field, refuse);
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name) ? name : refuse(field, `${JSON.stringify(name)} is no name`);
};

/** A plugin's name. */
export const pluginName: Field<string> = (value, field, refuse) => {
  const name = text(value, field, refuse);
  return isPluginName(name) ? name : refuse(field, `${JSON.stringify(name)} is no plugin's name`);
};

/** Any value; it is validated elsewhere. */
export const anything: Field<unknown> = (value) => value;

/** A registry's host, `registry.lan` or `registry.lan:5000`, as in references. */
export const registryHost: Field<string> = (value, field, refuse) => {
  const host = text(value, field, refuse);
  const url = URL.parse(`https://${host}/`);
  const isHost = url !== null && (url.host === host.toLowerCase() || `${url.host}:443` === host.toLowerCase());
  return isHost && host !== "" ? host : refuse(field, `${JSON.stringify(host)} is no host (HOST or HOST:PORT)`);
};

/** An IP address. As in Docker, 0.0.0.0 stands for all addresses, also IPv6 ones. */
export const bindAddress: Field<string> = (value, field, refuse) => {
  const given = text(value, field, refuse);
  if (parseAddress(given) === undefined) refuse(field, `${JSON.stringify(given)} is no address`);
  return given === "0.0.0.0" ? "" : given;
};

export const insecureRegistry: Field<string> = (value, field, refuse) => {
  const name = text(value, field, refuse);
  return name.includes("/") && parseNetwork(name) !== undefined ? name : registryHost(name, field, refuse);
};

/** A mirror's URL: scheme and host only, as in Docker. */
export const mirrorOrigin: Field<string> = (value, field, refuse) => {
  const url = httpUrl(value, field, refuse);
  const origin = `${url.protocol}//${url.host}/`;
  if (url.username !== "" || url.password !== "") refuse(field, "a mirror's URL must not have a user name");
  return url.href === origin
    ? origin
    : refuse(field, `${JSON.stringify(url.href)} must be scheme and host only: path, query or fragment at its end`);
};

/** A proxy's URL. It may contain a user name and a password, so messages do not show it. */
export const proxyUrl: Field<string> = (value, field, refuse) => {
  const given = text(value, field, refuse);
  if (given === "") return given;
  const url = URL.parse(given);
  return url !== null && ["http:", "https:", "socks5:"].includes(url.protocol)
    ? given
    : refuse(field, "it is no http:, https: or socks5: URL");
};

function httpUrl(value: unknown, field: string, refuse: Refuse): URL {
  const given = text(value, field, refuse);
  const url = URL.parse(given);
  return url !== null && ["http:", "https:"].includes(url.protocol)
    ? url
    : refuse(field, `${JSON.stringify(given)} is no http:// or https:// URL`);
}

function members(value: unknown, field: string, refuse: Refuse): [string, unknown][] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
  return refuse(field, "it is no object");
}

const memberPath = (field: string, name: string): string => field === "" ? name : `${field}.${name}`;
