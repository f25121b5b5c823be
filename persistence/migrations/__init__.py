"""The schema: numbered SQL files, applied in order by persistence.migrate, never edited after."""
