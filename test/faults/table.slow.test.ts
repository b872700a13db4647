/** The fault table over SQLite: table.ts. */
import { sqliteWorld } from "./rig.ts";
import { faultTable } from "./table.ts";

faultTable("sqlite", sqliteWorld);
