/**
 * @module
 * The table of storage drivers, the choice of an engine's driver, and its construction. Unless one is requested, an
 * engine keeps the driver whose layers are in its data-root; an empty data-root gets the first driver that works on it.
 */
import { TsdError } from "../errors.ts";
import type { Digest } from "../image/digest.ts";
import { BtrfsLayerStore, BtrfsSnapshotter, ChainSnapshots, probeBtrfs } from "./btrfs/mod.ts";
import { ErofsLayerStore, probeErofs, sweepMounts } from "./erofs/mod.ts";
import { DeferredRemoval } from "./directory_driver/deferred_removal.ts";
import { storageFailure } from "./directory_driver/storage_failure.ts";
import { namesIn, sweepIngest } from "./directory_driver/staging_dir.ts";
import { Overlay2LayerStore } from "./overlay2/mod.ts";
import { OverlaySnapshotter } from "./overlay/mod.ts";
import type { ChainStorage, LayerStore, Rebuildable, Snapshotter, StatusReporter } from "./driver.ts";

/** A driver's layer store. Some stores hold mounts and have to be disposed of; some report their status. */
export type OpenLayers = LayerStore & Partial<Disposable & StatusReporter & Rebuildable & ChainStorage>;

export interface OpenOptions {
  /** Rebuilds a layer's derived data in another thread. */
  readonly remake?: (diffId: Digest) => Promise<void>;
  /** Called when files of a removed layer can't be deleted. */
  readonly notCleared?: (thrown: unknown) => void;
  /** Combines layers in another thread. */
  readonly stack?: (layers: readonly Digest[]) => Promise<void>;
}

interface Driver {
  open(root: string, options: OpenOptions): OpenLayers;
  openSnapshotter(root: string, layers: OpenLayers, options: OpenOptions): Snapshotter;
  /** Returns why the driver can't use this directory, or undefined if it can. */
  probe(root: string): Promise<string | undefined>;
  /** Cleans up what a killed engine left, apart from staging directories. */
  sweep?(root: string): Promise<void>;
  /** Whether the driver is only used if it is requested. */
  readonly isChoiceOnly?: boolean;
}

const overlayOver = (root: string, layers: OpenLayers): Snapshotter => new OverlaySnapshotter({ root, layers });

/** Best first. The last one needs no probe: its own errors say why it can't be used. */
const DRIVERS = {
  erofs: {
    open: (root, { remake }) => new ErofsLayerStore({ root, remake }),
    openSnapshotter: overlayOver,
    sweep: (root) => sweepMounts(`${root}/mounts`),
    probe: async (root) => {
      const probed = await probeErofs(root);
      return "why" in probed ? probed.why : undefined;
    },
  },
  btrfs: {
    open: (root, { stack }) => new BtrfsLayerStore({ root, stack }),
    openSnapshotter: (root, layers, { stack }) => new BtrfsSnapshotter({ root, layers, stack }),
    sweep: (root) => new ChainSnapshots(root).sweep(),
    probe: probeBtrfs,
    isChoiceOnly: true,
  },
  overlay2: {
    open: (root, { notCleared }) => new Overlay2LayerStore({ root, notCleared }),
    openSnapshotter: overlayOver,
    probe: () => Promise.resolve(undefined),
  },
} as const satisfies Record<string, Driver>;

export type StorageDriver = keyof typeof DRIVERS;

export const STORAGE_DRIVERS = Object.keys(DRIVERS) as readonly StorageDriver[];
const driverNamed = (name: StorageDriver): Driver => DRIVERS[name];

/**
 * Cleans up staging directories and mounts that a killed engine left. Call it when an engine starts, before it uses the
 * storage. Removed layers are deleted in the background. Returns the number of staging directories that are being
 * deleted.
 */
export async function sweepStorage(
  { driver, root }: LayerStorage,
  notCleared: (thrown: unknown) => void,
): Promise<number> {
  await driverNamed(driver).sweep?.(root);
  return await sweepIngest(root, new DeferredRemoval(notCleared));
}

/** Where an engine's layers are, and which driver keeps them. */
export interface LayerStorage {
  readonly driver: StorageDriver;
  /** The driver's directory below the data-root. */
  readonly root: string;
  /** The preferred driver that can't be used on this host, and why. */
  readonly passedOver?: { readonly driver: StorageDriver; readonly why: string } | undefined;
  /** Layers of other drivers in the data-root, which are unused while this driver is chosen. */
  readonly unused?: readonly UnusedLayers[] | undefined;
}

export interface UnusedLayers {
  readonly driver: StorageDriver;
  readonly layers: number;
}

/** Describes unused layers for a message to the user. */
export const formatUnusedLayers = ({ driver, layers }: UnusedLayers): string =>
  `${layers} ${layers === 1 ? "layer" : "layers"} of driver ${driver} (storage-driver chooses between them)`;

/** Opens the layer store; the caller disposes of it if it is disposable. */
export function openLayerStore(
  { driver, root }: Pick<LayerStorage, "driver" | "root">,
  options: OpenOptions = {},
): OpenLayers {
  return DRIVERS[driver].open(root, options);
}

/** Opens the snapshotter over these layers. */
export function openSnapshots(
  { driver, root }: Pick<LayerStorage, "driver" | "root">,
  layers: OpenLayers,
  options: OpenOptions = {},
): Snapshotter {
  return driverNamed(driver).openSnapshotter(root, layers, options);
}

/**
 * Chooses the storage driver of a data-root.
 * @param requested the driver that the administrator configured
 * @throws {TsdError} invalid_argument: unknown driver; storage: the driver doesn't work on this data-root
 */
export async function chooseDriver(dataRoot: string, requested?: string): Promise<LayerStorage> {
  const storage = await chosenStorage(dataRoot, requested);
  const unused: UnusedLayers[] = [];
  for (const driver of STORAGE_DRIVERS.filter((each) => each !== storage.driver)) {
    const layers = (await namesIn(`${dataRoot}/${driver}/layers`)).length;
    if (layers > 0) unused.push({ driver, layers });
  }
  return { ...storage, ...(unused.length > 0 && { unused }) };
}

async function chosenStorage(dataRoot: string, requested: string | undefined): Promise<LayerStorage> {
  const storageOf = (driver: StorageDriver): LayerStorage => ({ driver, root: `${dataRoot}/${driver}` });
  if (requested !== undefined) {
    const storage = storageOf(requireDriver(requested));
    const why = await probe(storage);
    if (why === undefined) return storage;
    throw new TsdError("storage", `Cannot use storage driver ${requested} in ${dataRoot}: ${why}`);
  }
  for (const driver of STORAGE_DRIVERS) {
    const storage = storageOf(driver);
    if ((await namesIn(`${storage.root}/layers`)).length > 0) return storage;
  }
  let passedOver: LayerStorage["passedOver"];
  for (const driver of STORAGE_DRIVERS.slice(0, -1)) {
    if (driverNamed(driver).isChoiceOnly) continue;
    const storage = storageOf(driver);
    const why = await probe(storage);
    if (why === undefined) return storage;
    passedOver ??= { driver, why };
  }
  return { ...storageOf(STORAGE_DRIVERS.at(-1)!), passedOver };
}

async function probe({ driver, root }: LayerStorage): Promise<string | undefined> {
  try {
    return await DRIVERS[driver].probe(root);
  } catch (thrown) {
    return storageFailure("Cannot try it", thrown).message;
  }
}

/** @throws {TsdError} invalid_argument */
function requireDriver(name: string): StorageDriver {
  const driver = STORAGE_DRIVERS.find((each) => each === name);
  if (driver !== undefined) return driver;
  const why = name === "devicemapper" ? " (Docker removed it in version 25)" : "";
  throw new TsdError(
    "invalid_argument",
    `Unknown storage driver ${name}${why}: use one of ${STORAGE_DRIVERS.join(", ")}`,
  );
}
