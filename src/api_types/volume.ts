export interface VolumeUsageData {
  /** Bytes; -1 if not measured. */
  Size: number;
  /** Number of containers that refer to the volume; -1 if not counted. */
  RefCount: number;
}

/** `GET /volumes/{name}`, and the response of `POST /volumes/create`. */
export interface Volume {
  Name: string;
  Driver: string;
  Mountpoint: string;
  /** RFC 3339. */
  CreatedAt?: string;
  Status?: Readonly<Record<string, unknown>>;
  Labels: Readonly<Record<string, string>> | null;
  Scope: string;
  Options: Readonly<Record<string, string>> | null;
  UsageData?: VolumeUsageData;
}

/** `GET /volumes`. */
export interface VolumeListResponse {
  Volumes: readonly Volume[];
  Warnings: readonly string[] | null;
}

/** `POST /volumes/create`. */
export interface VolumeCreateRequest {
  Name?: string;
  Driver?: string;
  DriverOpts?: Readonly<Record<string, string>> | null;
  Labels?: Readonly<Record<string, string>> | null;
  /** Swarm only. */
  ClusterVolumeSpec?: unknown;
}

export interface VolumesPruneResponse {
  VolumesDeleted: readonly string[];
  /** Bytes. */
  SpaceReclaimed: number;
}
