/**
 * @module
 * What storage drivers share that keep each layer in a folder of its own: `ingest/`, where everything is made before it is
 * renamed into place and everything is moved to before it is deleted, and the facts about a layer.
 */
export { DEFAULT_LAYER_LIMITS, DirectoryLayerStore, type LayerFormat } from "./directory_layer_store.ts";
