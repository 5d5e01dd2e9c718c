/**
 * The allowed imports. Modules are files or directories of the project; each belongs to a level. Values are imported
 * from lower levels only, types (`import type`) from the same level too. Everything else is forbidden.
 */
import type { Import } from "./import_graph.ts";

/** One row of the table. */
interface Module {
  readonly path: string;
  /** The whole number is the level of ARCHITECTURE.md; the decimals order what depends on each other inside one. */
  readonly level: number;
  /** If given: the only modules of the project that it may use, besides those of level 0. */
  readonly only?: readonly string[];
}

/** A directory's path ends with a slash. The longest path that fits a file is its row. */
const MODULES: readonly Module[] = [
  { path: "src/errors.ts", level: 0 },
  { path: "src/log.ts", level: 0 },
  { path: "src/units.ts", level: 0 },
  { path: "src/build_info.ts", level: 0 },
  { path: "src/worker_entry.ts", level: 0 },
  // Plain types without imports: every module may use them, and `import type` is all there is to import.
  { path: "src/api_types/", level: 0.1 },
  { path: "src/hash/", level: 0.1 },
  { path: "src/json/", level: 0.1 },
  { path: "src/sys/", level: 0.1 },
  { path: "src/async/", level: 0.2 },
  { path: "src/tar/", level: 0.2 },
  { path: "src/io/", level: 0.2 },
  { path: "src/archive/", level: 0.3 },
  // Leaves by which every module of level 1 parses digests, and names chains of layers.
  { path: "src/image/digest.ts", level: 0.9 },
  { path: "src/image/chain_id.ts", level: 0.91 },
  { path: "src/image/", level: 1 },
  { path: "src/store/", level: 1 },
  { path: "src/runtime/", level: 1 },
  { path: "src/network/", level: 1 },
  { path: "src/plugins/", level: 1 },
  { path: "src/engine/", level: 2 },
  // The engine's nouns: each uses those above it in this list, so that none owns another and is owned by it.
  { path: "src/engine/model/", level: 2.1 },
  { path: "src/engine/events/", level: 2.2 },
  { path: "src/engine/stats/", level: 2.2 },
  { path: "src/engine/copy/", level: 2.2 },
  { path: "src/engine/networks/", level: 2.3 },
  { path: "src/engine/images/", level: 2.3 },
  { path: "src/engine/plugins/", level: 2.3 },
  { path: "src/engine/volumes/", level: 2.4 },
  { path: "src/engine/containers/", level: 2.5 },
  { path: "src/engine/exec/", level: 2.6 },
  { path: "src/engine/config/", level: 2.6 },
  { path: "src/engine/health/", level: 2.7 },
  { path: "src/engine/prune/", level: 2.7 },
  { path: "src/engine/system/", level: 2.7 },
  { path: "src/engine/lifecycle/", level: 2.8 },
  // Types only: the parts that an engine consists of.
  { path: "src/engine/mod.ts", level: 2.9 },
  { path: "src/api/", level: 3 },
  { path: "src/client/", level: 3, only: [] },
  { path: "src/cli/", level: 4, only: [] },
  { path: "src/commands/", level: 4.1, only: ["src/cli/", "src/client/", "src/image/", "src/plugins/"] },
  // Runs the client's commands inside the engine.
  { path: "src/command_server/", level: 4.5 },
  { path: "src/composition/", level: 4.9 },
  { path: "src/composition.ts", level: 5 },
  { path: "src/serve.ts", level: 6 },
  { path: "mod.ts", level: 7 },
];

/** Packages and built-in modules that only these files may import. */
const OUTSIDE_HOMES: Readonly<Record<string, readonly string[]>> = {
  "tsyringe": ["src/composition.ts"],
  "reflect-metadata": ["src/composition.ts", "src/serve.ts"],
  "hash-wasm": ["src/hash/"],
  "node:sqlite": ["src/store/"],
  "node:child_process": [],
};

/** Modules that would delay the client's start, so it must not load them statically. */
const NOT_FOR_CLIENTS = [
  ...[
    "node:http",
    "node:https",
    "node:sqlite",
    "node:crypto",
    "node:zlib",
    "tsyringe",
    "reflect-metadata",
    "hash-wasm",
  ],
  ...[
    "src/engine/",
    "src/store/",
    "src/runtime/",
    "src/network/",
    "src/sys/",
    "src/tar/",
    "src/archive/",
    "src/composition/",
    "src/composition.ts",
  ],
];

/** Parts of commands that work on the host's files: only they load the modules for that. */
export const FILE_COMMANDS = "src/commands/container/files/";

/** Returns the row that a file of the project belongs to. */
export function moduleOf(path: string): Module | undefined {
  const rows = MODULES.filter((each) => each.path === path || (each.path.endsWith("/") && path.startsWith(each.path)));
  return rows.toSorted((a, b) => b.path.length - a.path.length)[0];
}

/** Test support that doesn't have its name yet; remove a row when the file is renamed. */
const MISNAMED_TEST_SUPPORT: readonly string[] = ["src/engine/prune/prune_fixture.ts"];

/** Whether a file of src/ supports tests only: `*_testing.ts`, and everything in a `testsuite/`. */
export function isTestSupport(path: string): boolean {
  return path.endsWith("_testing.ts") || path.includes("/testsuite/") || MISNAMED_TEST_SUPPORT.includes(path);
}

/** Returns what is wrong with an import, or undefined. */
export function violation({ from, to, kind }: Import): string | undefined {
  const importer = moduleOf(from);
  if (importer === undefined) return `${from} has no level: add it to tests/import_rules.ts`;
  const homes = OUTSIDE_HOMES[to];
  if (homes !== undefined && kind !== "type" && !homes.some((home) => from.startsWith(home))) {
    return `${from} imports ${to}, whose home is ${homes.join(", ") || "nowhere"}`;
  }
  if (!/\.(?:ts|json)$/.test(to)) return undefined; // a package, or a built-in module
  const imported = moduleOf(to);
  if (imported === undefined) return `${from} imports ${to}, which is outside the program`;
  if (isTestSupport(to) && !isTestSupport(from)) return `${from} imports ${to}, which is for tests only`;
  if (imported === importer) return undefined;
  if (imported.level > importer.level || (imported.level === importer.level && kind !== "type")) {
    const how = kind === "type" ? "a type" : "a value";
    return `${from} (level ${importer.level}) imports ${how} from ${to} (level ${imported.level})`;
  }
  if (importer.only !== undefined && imported.level >= 1 && !importer.only.includes(imported.path)) {
    return `${from} imports ${to}; ${importer.path} may use level 0${
      importer.only.map((each) => `, ${each}`).join("")
    }`;
  }
  return undefined;
}

/**
 * Returns what `root` loads before its first line runs: all transitive static imports of values, each with its import
 * path.
 */
export function loadedBy(root: string, graph: readonly Import[]): Map<string, readonly string[]> {
  const paths = new Map<string, readonly string[]>([[root, [root]]]);
  for (const [module, path] of paths) {
    for (const { to } of graph.filter((each) => each.from === module && each.kind === "static")) {
      if (!paths.has(to)) paths.set(to, [...path, to]);
    }
  }
  return paths;
}

/** Returns those of `files` that none of the `roots` imports, directly or transitively. */
export function unreachable(roots: readonly string[], files: readonly string[], graph: readonly Import[]): string[] {
  const next = Map.groupBy(graph, (each) => each.from);
  const reached = new Set(roots);
  for (const module of reached) for (const { to } of next.get(module) ?? []) reached.add(to);
  return files.filter((file) => !reached.has(file));
}

/** Returns the import paths from `root` to what a client must not load. */
export function heavyForClients(root: string, graph: readonly Import[]): string[] {
  const heavy = (to: string) => NOT_FOR_CLIENTS.some((each) => each.endsWith("/") ? to.startsWith(each) : to === each);
  return [...loadedBy(root, graph)].filter(([to]) => heavy(to)).map(([, path]) => path.join(" → "));
}

/** Returns import cycles of values, one path for each group of modules. */
export function cycles(graph: readonly Import[]): string[] {
  const next = Map.groupBy(graph.filter((each) => each.kind === "static"), (each) => each.from);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (module: string, path: readonly string[]): void => {
    const start = path.indexOf(module);
    if (start >= 0) return void found.push([...path.slice(start), module].join(" → "));
    if (done.has(module)) return;
    for (const { to } of next.get(module) ?? []) visit(to, [...path, module]);
    done.add(module);
  };
  for (const module of next.keys()) visit(module, []);
  return found;
}
