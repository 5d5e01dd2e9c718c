/**
 * @module
 * What is common to storage drivers that keep each layer in a directory: the staging directory `ingest/`, in which
 * everything is created before it is renamed into place and to which everything is moved before it is deleted, and a
 * layer's `info.json`.
 */
export { DEFAULT_LAYER_LIMITS, DirectoryLayerStore, type LayerFormat } from "./directory_layer_store.ts";
