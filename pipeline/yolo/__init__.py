"""YOLOv8 by ultralytics, of which the modules of this package are the only importers.

Invariants: ultralytics finds an environment in which it asks nobody for anything (it reads it when it is
imported, so that comes first, here); no plot, no pickle; the number of threads and every random number follow
from the task.
"""

from pipeline.workspace import quiet

quiet()
