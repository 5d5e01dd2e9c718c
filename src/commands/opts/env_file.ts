import { UsageError } from "../../cli/mod.ts";

/**
 * Reads a file of `KEY=value` lines as Docker does: no quoting, `#` starts a comment line, a bare KEY takes its value from
 * `env` and is omitted if that has none. @throws {UsageError}
 */
export async function readEnvFile(path: string, env: (name: string) => string | undefined): Promise<string[]> {
  return parseEnvFile(path, await readFile(path), env);
}

/** Reads a file of labels in the same format; labels without `=` are omitted. @throws {UsageError} */
export async function readLabelFile(path: string): Promise<string[]> {
  return parseEnvFile(path, await readFile(path), () => undefined);
}

/** Parses the content of such a file; `path` is used in error messages. @throws {UsageError} */
export function parseEnvFile(path: string, text: string, env: (name: string) => string | undefined): string[] {
  const found: string[] = [];
  for (const raw of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    const line = raw.trimStart();
    if (line === "" || line.startsWith("#")) continue;
    const equals = line.indexOf("=");
    const name = equals < 0 ? line : line.slice(0, equals);
    if (name === "") throw new UsageError(`invalid env file (${path}): no variable name on line '${line}'`);
    if (/\s/.test(equals < 0 ? name.trimEnd() : name)) {
      throw new UsageError(`invalid env file (${path}): variable '${name}' contains whitespaces`);
    }
    if (equals >= 0) found.push(line);
    else {
      const value = env(name.trimEnd());
      if (value !== undefined) found.push(`${name.trimEnd()}=${value}`);
    }
  }
  return found;
}

async function readFile(path: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(path));
  } catch (thrown) {
    if (thrown instanceof TypeError) throw new UsageError(`invalid env file (${path}): it is not UTF-8`);
    if (thrown instanceof Deno.errors.NotFound) throw new UsageError(`open ${path}: no such file or directory`);
    if (thrown instanceof Deno.errors.PermissionDenied) throw new UsageError(`open ${path}: permission denied`);
    throw thrown;
  }
}
