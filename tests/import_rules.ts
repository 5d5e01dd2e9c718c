/**
 * The allowed imports. Modules are files or directories of the project; each belongs to a layer. Values are imported
 * from lower layers only, types (`import type`) from the same layer too. Everything else is forbidden.
 */
import type { Import } from "./import_graph.ts";

/** One row of the table. */
interface Module {
  readonly path: string;
  /** The whole number is the layer of ARCHITECTURE.md; the decimals order what depends on each other inside one. */
  readonly layer: number;
  /** If given: the only modules of the project that it may use, besides those of layer 0. */
  readonly only?: readonly string[];
}

/** A directory's path ends with a slash. A file's row has precedence over its directory's. */
const MODULES: readonly Module[] = [
  { path: "src/errors.ts", layer: 0 },
  { path: "src/log.ts", layer: 0 },
  { path: "src/units.ts", layer: 0 },
  { path: "src/build_info.ts", layer: 0 },
  { path: "src/worker_entry.ts", layer: 0 },
  // Plain types without imports: every module may use them, and `import type` is all there is to import.
  { path: "src/api_types/", layer: 0.1 },
  { path: "src/hash/", layer: 0.1 },
  { path: "src/json/", layer: 0.1 },
  { path: "src/sys/", layer: 0.1 },
  { path: "src/async/", layer: 0.2 },
  { path: "src/tar/", layer: 0.2 },
  { path: "src/io/", layer: 0.2 },
  { path: "src/archive/", layer: 0.3 },
  // Leaves by which every module of layer 1 parses digests, and names chains of layers.
  { path: "src/image/digest.ts", layer: 0.9 },
  { path: "src/image/chain_id.ts", layer: 0.91 },
  { path: "src/image/", layer: 1 },
  { path: "src/store/", layer: 1 },
  { path: "src/runtime/", layer: 1 },
  { path: "src/network/", layer: 1 },
  { path: "src/plugins/", layer: 1 },
  { path: "src/engine/", layer: 2 },
  // Types only: the parts that an engine consists of.
  { path: "src/engine/mod.ts", layer: 2.9 },
  { path: "src/api/", layer: 3 },
  { path: "src/client/", layer: 3, only: [] },
  { path: "src/cli/", layer: 4, only: [] },
  { path: "src/commands/", layer: 4.1, only: ["src/cli/", "src/client/", "src/image/", "src/plugins/"] },
  // Runs the client's commands inside the engine.
  { path: "src/command_server/", layer: 4.5 },
  { path: "src/composition/", layer: 4.9 },
  { path: "src/composition.ts", layer: 5 },
  { path: "src/serve.ts", layer: 6 },
  { path: "mod.ts", layer: 7 },
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
  return MODULES.find((each) => each.path === path) ??
    MODULES.find((each) => each.path.endsWith("/") && path.startsWith(each.path));
}

/** Test support that doesn't have its name yet; remove a row when the file is renamed. */
const MISNAMED_TEST_SUPPORT: readonly string[] = ["src/client/fake_engine.ts", "src/engine/prune/prune_fixture.ts"];

/** Whether a file of src/ supports tests only: `*_testing.ts`, and everything in a `testsuite/`. */
export function isTestSupport(path: string): boolean {
  return path.endsWith("_testing.ts") || path.includes("/testsuite/") || MISNAMED_TEST_SUPPORT.includes(path);
}

/** Returns what is wrong with an import, or undefined. */
export function violation({ from, to, kind }: Import): string | undefined {
  const importer = moduleOf(from);
  if (importer === undefined) return `${from} has no layer: add it to tests/import_rules.ts`;
  const homes = OUTSIDE_HOMES[to];
  if (homes !== undefined && kind !== "type" && !homes.some((home) => from.startsWith(home))) {
    return `${from} imports ${to}, whose home is ${homes.join(", ") || "nowhere"}`;
  }
  if (!/\.(?:ts|json)$/.test(to)) return undefined; // a package, or a built-in module
  const imported = moduleOf(to);
  if (imported === undefined) return `${from} imports ${to}, which is outside the program`;
  if (isTestSupport(to) && !isTestSupport(from)) return `${from} imports ${to}, which is for tests only`;
  if (imported === importer) return undefined;
  if (imported.layer > importer.layer || (imported.layer === importer.layer && kind !== "type")) {
    const how = kind === "type" ? "a type" : "a value";
    return `${from} (layer ${importer.layer}) imports ${how} from ${to} (layer ${imported.layer})`;
  }
  if (importer.only !== undefined && imported.layer >= 1 && !importer.only.includes(imported.path)) {
    return `${from} imports ${to}; ${importer.path} may use layer 0${
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
