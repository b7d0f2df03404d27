#pragma once
// What a queue and the gateway hand to the list reader.

#include <string>
#include <vector>

#include "messages/commands.hpp"
#include "messages/fields.hpp"
#include "messages/permits.hpp"

namespace penstock::messages {

/// What the queue adds to a listing before it forwards it to the list reader: what only the living know.
struct pacs_outlook {
  std::string pacs;
  std::string institution;
  std::string reason;  ///< why no permit comes now, in words; empty: one may come at once
  line_forecast forecast;
  PENSTOCK_FIELDS(pacs, institution, reason, forecast);
};

struct read_requests {
  std::string project;
  page_options page;
  std::vector<pacs_outlook> outlook;
  PENSTOCK_FIELDS(project, page, outlook);
};

struct read_request {
  std::string project;
  show_request which;
  std::vector<pacs_outlook> outlook;
  PENSTOCK_FIELDS(project, which, outlook);
};

struct read_holdings {
  std::string project;
  list_holdings which;
  PENSTOCK_FIELDS(project, which);
};

struct read_facets {
  std::string project;
  list_facets which;
  PENSTOCK_FIELDS(project, which);
};

}  // namespace penstock::messages
