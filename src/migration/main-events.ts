/** What the main connection's stream says, as it is read. Positions are in the stream. */
export interface MainEvents {
  /** Of what follows; never decreases. */
  time(timeNs: number): void;
  /** @param type START, PART, END or FULL */
  ramSectionStart(type: number, position: number): void;
  /** @param bodyBytes between header and footer */
  ramSectionEnd(type: number, bodyBytes: number, position: number): void;
  /** RAM's last section with its footer is over. */
  deviceStart(position: number): void;
  descriptionStart(position: number): void;
  command(command: number, position: number): void;
  /** Page headers were found again. */
  resumed(position: number): void;
}
