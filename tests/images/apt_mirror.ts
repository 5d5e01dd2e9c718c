/** Finds the machine's Debian mirror in apt's source files (sources.list(5), one-line and deb822 format). */

export interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
}

/** Returns the mirror for `suite`: a source that lists it, else the machine's first source. */
export async function debianMirror(suite: string, aptDir = "/etc/apt"): Promise<string> {
  const sources = await aptSources(aptDir);
  const found = sources.find((source) => source.suites.includes(suite)) ?? sources[0];
  if (!found) throw new Error(`${aptDir}: no package source for debootstrap`);
  return found.uri;
}

/** Returns all HTTP(S) sources of binary packages, in the order of apt's files. */
export async function aptSources(aptDir: string): Promise<AptSource[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(`${aptDir}/sources.list.d`)) names.push(entry.name);
  const sources: AptSource[] = [];
  for (const path of ["sources.list", ...names.sort().map((name) => `sources.list.d/${name}`)]) {
    const text = await textOf(`${aptDir}/${path}`);
    if (path.endsWith(".list")) sources.push(...oneLineSources(text));
    else if (path.endsWith(".sources")) sources.push(...deb822Sources(text));
  }
  return sources;
}

function oneLineSources(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const [, uri, suite] = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(https?:\S+)\s+(\S+)/.exec(line) ?? [];
    return uri && suite ? [{ uri, suites: [suite] }] : [];
  });
}

function deb822Sources(text: string): AptSource[] {
  return text.replace(/^#.*\n/gm, "").split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string[] => (
      new RegExp(`^${name}:\\s*(.*(?:\\n[ \\t].*)*)`, "im").exec(stanza)?.[1]?.trim().split(/\s+/) ?? []
    );
    if (!field("Types").includes("deb") || field("Enabled")[0] === "no") return [];
    return field("URIs").filter((uri) => /^https?:/.test(uri)).map((uri) => ({ uri, suites: field("Suites") }));
  });
}

async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
