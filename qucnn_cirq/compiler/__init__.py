"""From a specification to native moments: layouts, placement, passes, templates."""
