"""All steps, in the order in which they are done."""

from __future__ import annotations

import steps_beside
import steps_file
import steps_graph
import steps_job

# steps_beside comes last: its last step leaves a job behind for Blender to be closed on.
ALL = [*steps_graph.ALL, *steps_job.ALL, *steps_file.ALL, *steps_beside.ALL]
