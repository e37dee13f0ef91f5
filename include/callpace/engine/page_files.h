/* The files of daemon/page, built in (tools/embed.cmake). */
#ifndef CALLPACE_ENGINE_PAGE_FILES_H
#define CALLPACE_ENGINE_PAGE_FILES_H

#include "callpace/base/slice.h"

extern const struct slice page_head, page_body, page_style, page_script;

#endif
