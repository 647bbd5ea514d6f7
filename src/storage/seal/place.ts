/** Where a sealed value belongs. A value opens only where it was sealed for. */
export interface Place {
  readonly table: string;
  /** The row's primary key. */
  readonly row: string;
  readonly column: string;
}
