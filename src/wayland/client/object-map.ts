/**
 * Ids and the objects behind them. An id of the client's that was destroyed stays taken (a zombie, whose late
 * events are dropped) until the server says delete_id; then it is reused, lowest pressure on the server's tables
 * first: the last one freed. Ids of the server's stay zombies until the server reuses them.
 */
import { WaylandError } from '../errors.js';
import { OBJECTS_MAX, SERVER_ID_START } from '../limits.js';
import type { ProxyObject } from './object.js';

export class ObjectMap {
  private readonly objects = new Map<number, ProxyObject>();
  private readonly free: number[] = [];
  private readonly max: number;
  private next = 1;

  constructor(max = OBJECTS_MAX) {
    this.max = max;
  }

  get size(): number {
    return this.objects.size;
  }

  /** The object, dead or alive. */
  get(id: number): ProxyObject | undefined {
    return this.objects.get(id);
  }

  /** The id that the next object of the client's gets; nothing is taken yet. */
  peekId(): number {
    if (this.objects.size >= this.max) {
      throw new WaylandError('WL_ERR_OVERFLOW', `more than ${this.max} objects`);
    }
    return this.free.at(-1) ?? this.next;
  }

  /** Takes the id that `peekId` told. */
  add(object: ProxyObject): void {
    if (this.free.length > 0) this.free.pop();
    else this.next++;
    this.objects.set(object.id, object);
  }

  /** An object that the server made. WL_ERR_BAD_ID when it can't have that id. */
  addServerObject(object: ProxyObject): void {
    const { id } = object;
    if (id < SERVER_ID_START) throw new WaylandError('WL_ERR_BAD_ID', `new object ${id} of the server's`);
    const before = this.objects.get(id);
    if (before?.alive === true) throw new WaylandError('WL_ERR_BAD_ID', `new object ${id} exists already`);
    if (before === undefined && this.objects.size >= this.max) {
      throw new WaylandError('WL_ERR_OVERFLOW', `more than ${this.max} objects`);
    }
    this.objects.set(id, object);
  }

  /** The server has forgotten the object: its id is free. WL_ERR_BAD_ID when it can't be. */
  deleteId(id: number): void {
    const object = this.objects.get(id);
    if (object === undefined || id <= 1 || id >= SERVER_ID_START) {
      throw new WaylandError('WL_ERR_BAD_ID', `delete_id of ${id}`);
    }
    object.kill();
    this.objects.delete(id);
    this.free.push(id);
  }

  /** The connection is over. */
  killAll(): void {
    for (const object of this.objects.values()) object.kill();
    this.objects.clear();
    this.free.length = 0;
  }
}
